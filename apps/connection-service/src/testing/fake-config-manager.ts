import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import { ConfigManager, type SetReferencesRequest } from '@planton/api/config/v1/config_manager_service';
import { type Reference, ReferencePhase } from '@planton/api/config/v1/reference';
import {
  denied,
  hasPermission,
  missing,
  organizationCallerOf,
  serviceCallerOf,
  state,
  type Violation,
} from '@planton/rpc';
import { findOwned, isOwn, mint, type OwnedSecret, ownedTarget } from './fake-owned-secrets.ts';
import { createFakeOwners, type FakeOwners, type Fault, faulty, never } from './fake-owners.ts';

export type Method =
  | 'check'
  | 'register'
  | 'commit'
  | 'list'
  | 'resolve'
  | 'resolveOwned'
  | 'mint'
  | 'accessOwned'
  | 'retire';

/** Config-manager's side of the contract in memory, for one organisation level, with faults that a test chooses. */
export interface FakeConfigManager extends Pick<FakeOwners, 'owners'> {
  /** `ORG/SLUG` to entries. */
  readonly secrets: Map<string, Record<string, string>>;
  /** `ORG/SLUG` to value. */
  readonly variables: Map<string, string>;
  /** Uid of an organisation to its slug, for calls that name the uid alone. */
  readonly organizations: Map<string, string>;
  /** Uid to server-owned secret; while it lives, its value is in `secrets` too. */
  readonly owned: Map<string, OwnedSecret>;
  readonly calls: Method[];
  /** Purposes of reads, oldest first. */
  readonly purposes: string[];
  fault: (method: Method) => Fault;
  /** Awaited before a registration takes effect. */
  beforeRegister: () => Promise<void>;
  routes(router: ConnectRouter): void;
}

export function textOf({ target }: Reference): string {
  return target.case === 'secret'
    ? `secret/${target.value.slug}/${target.value.key}`
    : `variable/${target.value}`;
}

export function createFakeConfigManager(): FakeConfigManager {
  const book = createFakeOwners();
  const call = <T>(method: Method, effect: () => T): T => {
    fake.calls.push(method);
    return faulty(fake.fault(method), effect);
  };
  const fake: FakeConfigManager = {
    secrets: new Map(),
    variables: new Map(),
    organizations: new Map(),
    owned: new Map(),
    owners: book.owners,
    calls: [],
    purposes: [],
    fault: () => undefined,
    beforeRegister: async () => {},
    routes: (router) => {
      router.service(ConfigManager, {
        setReferences: async (request, context) => {
          const { actor, service } = serviceCallerOf(context);
          if (request.phase === ReferencePhase.COMMIT) {
            return call('commit', () => {
              book.commit(request, request.references.map(textOf));
              return {};
            });
          }
          await fake.beforeRegister();
          return call(request.validateOnly ? 'check' : 'register', () => {
            const may =
              actor?.membership !== undefined && hasPermission(actor.membership, Permission.SECRET_USE);
            const own = (reference: Reference) => isOwn(fake, request, service, reference);
            if (!actor && (request.references.length === 0 || !request.references.every(own)))
              throw denied('ACTOR_MISSING', 'only in the name of someone');
            registerAll(fake, book, request, own, may);
            return {};
          });
        },
        listUnconfirmedOwners: ({ before }) =>
          call('list', () => ({ owners: book.unconfirmed(timestampDate(before ?? never())) })),
        resolveReferences: (request, context) =>
          call('resolve', () => {
            organizationCallerOf(context);
            return resolveAll(fake, request, request.org);
          }),
        resolveOwnedReferences: (request, context) =>
          call('resolveOwned', () => {
            if (serviceCallerOf(context).actor) throw denied('ACTOR_NOT_ALLOWED', 'in its own name alone');
            const org = fake.organizations.get(request.organizationUid) ?? never();
            return resolveAll(fake, request, org);
          }),
        mintOwnedSecret: (request, context) =>
          call('mint', () => mint(fake, request, serviceCallerOf(context).service)),
        accessOwnedSecret: (request, context) =>
          call('accessOwned', () => {
            fake.purposes.push(request.purpose);
            const { slug, value, retired } = findOwned(fake, request, serviceCallerOf(context).service);
            if (retired) throw missing('OWNED_SECRET_NOT_FOUND', 'retired');
            return { slug, value };
          }),
        retireOwnedSecret: (request, context) =>
          call('retire', () => {
            const secret = findOwned(fake, request, serviceCallerOf(context).service);
            if (!secret.retired) fake.secrets.delete(`${secret.org}/${secret.slug}`);
            secret.retired = true;
            return {};
          }),
        getVariable: (request) => {
          const value = fake.variables.get(`${request.org}/${request.slug}`);
          if (value === undefined) throw missing('VARIABLE_NOT_FOUND', `no variable ${request.slug}`);
          return { variable: { slug: request.slug, value } };
        },
      });
    },
  };
  return fake;
}

interface Resolve {
  readonly ownerUid: string;
  readonly references: readonly Reference[];
  readonly purpose: string;
}

function resolveAll(fake: FakeConfigManager, { ownerUid, references, purpose }: Resolve, org: string) {
  fake.purposes.push(purpose);
  const owner = fake.owners.get(ownerUid);
  const values = references.map((reference, index) => {
    if (!owner?.references.has(textOf(reference))) throw denied('NOT_REGISTERED', 'not registered');
    const value = lookUp(fake, org, reference);
    if (value === undefined) throw notFound([violation(reference, index)]);
    return { value };
  });
  return { values };
}

function registerAll(
  fake: FakeConfigManager,
  book: FakeOwners,
  request: SetReferencesRequest,
  own: (reference: Reference) => boolean,
  mayUse: boolean,
): void {
  const { references } = request;
  const known = book.check(request);
  const org = fake.organizations.get(request.organizationUid) ?? request.org;
  const absent = references.flatMap((reference, index) =>
    lookUp(fake, org, reference) === undefined ? [violation(reference, index)] : [],
  );
  if (absent.length > 0) throw notFound(absent);
  const added = references.filter((reference) => !known?.references.has(textOf(reference)));
  if (!mayUse && added.some((reference) => reference.target.case === 'secret' && !own(reference))) {
    throw denied('PERMISSION_DENIED', 'your role does not include secret_use');
  }
  if (references.some((reference) => ownedTarget(fake, request, reference) && !own(reference))) {
    throw state('SECRET_SERVER_OWNED', 'belongs to another object');
  }
  if (!request.validateOnly) book.register(request, references.map(textOf));
}

function lookUp(fake: FakeConfigManager, org: string, { target }: Reference): string | undefined {
  if (target.case === 'variable') return fake.variables.get(`${org}/${target.value}`);
  if (target.case !== 'secret') return undefined;
  return fake.secrets.get(`${org}/${target.value.slug}`)?.[target.value.key];
}

function violation(reference: Reference, index: number): Violation {
  const { target } = reference;
  const name = target.case === 'secret' ? `secret "${target.value.slug}"` : `variable "${target.value}"`;
  return { field: `references[${index}]`, message: `${name} does not exist` };
}

function notFound(violations: readonly Violation[]) {
  return missing('REFERENCES_NOT_FOUND', violations.map(({ message }) => message).join(', '), {
    violations,
    hint: 'planton secret set SLUG value=…',
  });
}
