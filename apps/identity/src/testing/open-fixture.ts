import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient, createRouterTransport, type Interceptor } from '@connectrpc/connect';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { type Database, type Engine, isUnavailable, openDatabase } from '@planton/database';
import {
  createGuard,
  type DomainError,
  type Guard,
  type Logger,
  type OidcSettings,
  type RoleName,
  toDomainError,
} from '@planton/rpc';
import { insertApiKey } from '../api-keys/api-key-store.ts';
import { mintKey, tracesOf } from '../api-keys/mint-key.ts';
import { createIdentity, type IdentityService } from '../create-identity.ts';
import { insertMember } from '../members/member-store.ts';
import type { IdentityTables } from '../schema.ts';
import { ownerLinkFile } from '../sign-in/owner-link.ts';

export const ISSUER = 'http://127.0.0.1:8080';
export const SECRET = 'a derived secret of more than 32 characters';

export type IdentityClient = Client<typeof Identity>;

export interface TestUser {
  readonly uid: string;
  readonly key: string;
  readonly client: IdentityClient;
}

export interface Fixture {
  readonly engine: Engine;
  /** A folder that goes with the fixture. */
  readonly folder: string;
  readonly database: Database<IdentityTables>;
  readonly identity: IdentityService;
  readonly guard: Guard;
  /** The instance's owner. */
  readonly root: IdentityClient;
  readonly rootKey: string;
  /** Calls with an API key or access token; without one as a stranger. */
  clientWith(credential?: string): IdentityClient;
  /** Calls as a service of the platform. */
  serviceClient(service: string): Promise<IdentityClient>;
  /** A new organisation that the instance's owner owns. */
  newOrganization(): Promise<{ readonly uid: string; readonly slug: string }>;
  /** A new user who is a member already, and has no way to sign in. */
  newUser(organizationUid: string, role: RoleName, environments?: readonly string[]): Promise<TestUser>;
  close(): Promise<void>;
}

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Identity behind the real interceptors, bootstrapped, on the given engine. */
export async function openFixture(engine: Engine, oidc?: OidcSettings): Promise<Fixture> {
  const folder = await mkdtemp(join(tmpdir(), 'identity-test-'));
  const identity = await createIdentity({
    engine,
    issuer: ISSUER,
    secret: SECRET,
    logger: silent,
    newUid: randomUUID,
    ownerLinkFile: ownerLinkFile(folder),
    oidc,
  });
  const ownerKeyFile = join(folder, 'bootstrap-api-key');
  await identity.bootstrap({ ownerKeyFile });
  const rootKey = (await readFile(ownerKeyFile, 'utf8')).trim();
  const database = openDatabase<IdentityTables>(engine, 'identity');
  const guard = createGuard({
    issuer: ISSUER,
    identity: identity.port,
    rates: { perKey: 0, perOrganization: 0, perAddress: 0 },
    logger: silent,
    now: () => Date.now(),
    monotonic: () => performance.now(),
    newRequestId: randomUUID,
    isUnavailable,
  });
  await guard.revocations.refresh();

  const clientWith = (credential?: string) => {
    const bearer: Interceptor = (next) => (request) => {
      if (credential !== undefined) request.header.set('authorization', `Bearer ${credential}`);
      return next(request);
    };
    return createClient(
      Identity,
      createRouterTransport(identity.routes, {
        router: { interceptors: guard.interceptors },
        transport: { interceptors: [bearer] },
      }),
    );
  };
  const root = clientWith(rootKey);

  return {
    engine,
    folder,
    database,
    identity,
    guard,
    root,
    rootKey,
    clientWith,
    serviceClient: async (service) => clientWith((await identity.issueServiceToken(service)).token),
    newOrganization: async () => {
      const { organization } = await root.createOrganization({ slug: `org-${randomUUID().slice(0, 13)}` });
      if (!organization) throw new Error('no organisation was created');
      return organization;
    },
    newUser: async (organizationUid, role, environments) => {
      const [uid, key] = [randomUUID(), mintKey(randomBytes)];
      await database.transact(async (tx) => {
        await tx
          .insertInto('subject')
          .values({ uid, kind: 'user', name: `user-${uid}` })
          .execute();
        await insertMember(tx, organizationUid, uid, { role, environments: environments ?? 'all' });
        await insertApiKey(
          tx,
          { uid: randomUUID(), subjectUid: uid, name: 'laptop' },
          tracesOf(key),
          undefined,
        );
      });
      return { uid, key, client: clientWith(key) };
    },
    close: async () => {
      await identity.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The domain error that a call ends with. */
export async function refusalOf(call: Promise<unknown>): Promise<Pick<DomainError, 'kind' | 'reason'>> {
  const thrown = await call.then(
    () => 'the call was not refused',
    (error: unknown) => error,
  );
  const refusal = toDomainError(thrown);
  if (!refusal) throw new Error('not a domain error', { cause: thrown });
  return { kind: refusal.kind, reason: refusal.reason };
}
