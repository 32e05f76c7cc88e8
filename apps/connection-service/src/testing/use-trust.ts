import { randomUUID } from 'node:crypto';
import { create, type MessageInitShape, toBinary, toJson } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { AuthMode, AwsProviderConnectionSpecSchema } from '@planton/api/connect/v1/aws_provider_connection';
import {
  type AwsRole,
  type IssueAwsCredentialsInput,
  IssuedAwsCredentialsSchema,
  OperationState,
} from '@planton/api/runner/v1/operation';
import { jsonb } from '@planton/database';
import type { SessionKeeper } from '../credentials/keep-sessions.ts';
import type { Deps } from '../deps.ts';
import { ACCOUNT, type Carry, type RunEvent } from './fake-runner-service.ts';
import { awsConnection, type TestOrganization, type TestService } from './use-test-service.ts';

export const ROLE = `arn:aws:iam::${ACCOUNT}:role/PlantonConnect-a-1a2b3c4d`;
export const EXTERNAL_ID = 'e1'.repeat(32);
const SECRET = 'planton-external-id-a';
const EXAMPLE = {
  accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

type Spec = MessageInitShape<typeof AwsProviderConnectionSpecSchema>;

/** Stores a connection as a set-up of trust leaves it: with its role, and an external ID that is registered for it. */
export async function connectByTrust(
  { config, database }: TestService,
  { admin, slug: org, uid: organizationUid }: TestOrganization,
  slug = 'a',
  spec: Spec = {},
): Promise<void> {
  await admin.applyConnection({ org, connection: awsConnection(slug) });
  const trusting = create(AwsProviderConnectionSpecSchema, {
    authMode: AuthMode.CROSS_ACCOUNT_TRUST,
    accountId: { source: { case: 'value', value: ACCOUNT } },
    region: { source: { case: 'value', value: 'us-west-2' } },
    iamRoleArn: ROLE,
    externalId: { secret: SECRET },
    ...spec,
  } as Spec);
  const { uid } = await database.query
    .updateTable('connection')
    .set({ spec: jsonb<unknown>(toJson(AwsProviderConnectionSpecSchema, trusting)) })
    .where('organization_uid', '=', organizationUid)
    .where('slug', '=', slug)
    .returning('uid')
    .executeTakeFirstOrThrow();
  config.secrets.set(`${org}/${SECRET}`, { value: EXTERNAL_ID });
  const owned = config.owners.get(uid);
  if (!owned) throw new Error('the connection is not registered');
  owned.references = new Set([`secret/${SECRET}/value`, 'variable/region']);
}

/** The keeper of `deps`, and a promise that resolves when it was asked this often. */
export function countTakes(
  { sessions }: Pick<Deps, 'sessions'>,
  times: number,
): { readonly sessions: SessionKeeper; readonly taken: Promise<void> } {
  const all = Promise.withResolvers<void>();
  let left = times;
  const take: SessionKeeper['take'] = (key, open) => {
    const session = sessions.take(key, open);
    left -= 1;
    if (left === 0) all.resolve();
    return session;
  };
  return { sessions: { ...sessions, take }, taken: all.promise };
}

/** How the runner answers, where it is not as it should be. */
export interface SessionFacts {
  readonly expireTime?: Date;
  readonly arn?: string;
  readonly tagged?: boolean;
  readonly accessKeyId?: string;
  readonly sessionToken?: string;
  /** What is sealed, instead of credentials. */
  readonly plaintext?: Uint8Array;
  /** The key that it is sealed to, instead of the requester's. */
  readonly publicKey?: Uint8Array;
  /** The attempt that it is sealed for, instead of the one that ended. */
  readonly sealedAttempt?: number;
}

/**
 * A platform runner that opens sessions and seals them to whoever asked.
 *
 * @param facts asked for each session; its number counts from 1
 */
export function openingSessions(facts: (number: number) => SessionFacts = () => ({})): Carry {
  let opened = 0;
  return async function* (request): AsyncIterable<RunEvent> {
    const role = roleOf(request.input?.kind);
    opened += 1;
    const given = facts(opened);
    const expireTime = timestampFromDate(given.expireTime ?? new Date(Date.now() + 3_600_000));
    const key = {
      ...EXAMPLE,
      accessKeyId: given.accessKeyId ?? EXAMPLE.accessKeyId,
      sessionToken: given.sessionToken ?? tokenOf(opened),
    };
    const issued = create(IssuedAwsCredentialsSchema, { ...key, expireTime });
    const uid = randomUUID();
    const sealedOutput = await seal(
      given.publicKey ?? request.resultPublicKey,
      given.plaintext ?? toBinary(IssuedAwsCredentialsSchema, issued),
      `${uid}/${given.sealedAttempt ?? 1}`,
    );
    const arn =
      given.arn ?? `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonConnect-a-1a2b3c4d/${role.sessionName}`;
    const value = { arn, expireTime, tagged: given.tagged ?? true };
    yield { event: { case: 'operation', value: { uid, state: OperationState.RUNNING, attempt: 1 } } };
    yield {
      event: {
        case: 'end',
        value: {
          operation: {
            uid,
            state: OperationState.SUCCEEDED,
            attempt: 1,
            output: { kind: { case: 'issueAwsCredentials', value } },
          },
          sealedOutput,
        },
      },
    };
  };
}

/** The session token of the session with this number. */
export function tokenOf(number: number): string {
  return `session-token-${String(number).padStart(6, '0')}`;
}

/** What an operation was to assume. Throws where it was something else. */
export function roleOf(kind: { case: unknown; value?: unknown } | undefined): AwsRole {
  if (kind?.case !== 'issueAwsCredentials') throw new Error('the operation opens no session');
  const { role } = kind.value as IssueAwsCredentialsInput;
  if (!role) throw new Error('the operation names no role');
  return role;
}

async function seal(publicKey: Uint8Array, plaintext: Uint8Array, data: string) {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const encode = (text: string) => new TextEncoder().encode(text);
  const recipientPublicKey = await suite.kem.deserializePublicKey(new Uint8Array(publicKey));
  const sender = { recipientPublicKey, info: encode('planton/operation-result/v1') };
  const { enc, ct } = await suite.seal(sender, new Uint8Array(plaintext), encode(data));
  return { encapsulatedKey: new Uint8Array(enc), ciphertext: new Uint8Array(ct) };
}
