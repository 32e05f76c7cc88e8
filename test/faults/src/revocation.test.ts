import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Role } from '@planton/api/identity/v1/organization';
import { openPostgres } from '@planton/database';
import { toDomainError } from '@planton/rpc';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signInAsOwner, signInWithPassword } from './sign-in-as-owner.ts';
import { type Services, startServices } from './start-services.ts';
import { waitUntil } from './wait-until.ts';

// What takes rights away reaches every service as a process of its own within a second; and where a service does not know any more what was
// revoked, nothing that holds a secret leaves it.

const ORG = { org: 'acme' };
const PASSWORD = 'correct horse battery staple';
/** A second is promised; this machine may have other things to do as well. */
const BOUND_MS = 5_000;
/** Between two tries, so that they stay below the limits of an address and a key. */
const PAUSE_MS = 25;
/** After so long a credential that was refused is tried once more, to see that it does not come back. */
const STAYS_MS = 1_000;

let services: Services;
beforeAll(async () => {
  services = await startServices();
  const { identity, config, connections } = services.owner;
  await identity.createOrganization({ slug: 'acme' });
  await config.setSecret({ ...ORG, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  await config.setSecret({
    ...ORG,
    slug: 'key',
    entries: { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  });
  const literal = (value: string) => ({ source: { case: 'value', value } }) as const;
  const value = {
    apiVersion: 'connect.planton.ai/v1',
    kind: 'AwsProviderConnection',
    metadata: { name: 'main' },
    spec: {
      accountId: literal('123456789012'),
      region: literal('us-west-2'),
      accessKeyId: { secret: 'key-id' },
      secretAccessKey: { secret: 'key' },
    },
  };
  await connections.applyConnection({ ...ORG, connection: { kind: { case: 'aws', value } } });
  await services.owner.runners.registerRunner({ ...ORG, name: 'r' });
}, 120_000);
afterAll(() => services?.stop());

/** Something that only admins may ask, in every service. */
function calls(credential: string): Readonly<Record<string, () => Promise<unknown>>> {
  const { identity, config, connections, runners } = services.as(credential);
  return {
    identity: () => identity.listAuditRecords(ORG),
    'config-manager': () => config.listAuditRecords(ORG),
    'connection-service': () => connections.listAuditRecords(ORG),
    'runner-gateway': () => runners.listAuditRecords(ORG),
  };
}

const reasonOf = (call: Promise<unknown>) =>
  call.then(
    () => 'answered',
    (error: unknown) => toDomainError(error)?.reason ?? String(error),
  );

/** Brings in an admin who signs in with a password. Only the database can. */
async function newPerson(): Promise<{ readonly uid: string; readonly email: string }> {
  const [uid, email] = [randomUUID(), `${randomUUID()}@example.com`];
  const engine = openPostgres({ url: services.databaseUrl, applicationName: 'revocation-test', poolSize: 1 });
  await sql`insert into identity.subject (uid, kind, name) values (${uid}, 'user', 'Bob')`.execute(
    engine.kysely,
  );
  await sql`insert into identity.person (id, name, email, email_verified, create_time, update_time)
    values (${uid}, 'Bob', ${email}, true, now(), now())`.execute(engine.kysely);
  await sql`insert into identity.account (id, person_id, account_id, provider_id, password, create_time, update_time)
    select ${uid}, ${uid}, ${uid}, provider_id, password, now(), now() from identity.account where password is not null
    limit 1`.execute(engine.kysely);
  await sql`insert into identity.member (organization_uid, subject_uid, role, limited)
    select uid, ${uid}, 'admin', false from identity.organization where slug = ${ORG.org}`.execute(
    engine.kysely,
  );
  await engine.close();
  return { uid, email };
}

/**
 * Takes something away, and measures in every service after how many milliseconds the credential, and a token that it was exchanged for
 * before, are refused: the start of the first call that is.
 */
async function expectGone(
  what: string,
  credential: string,
  take: () => Promise<unknown>,
  reasons: readonly string[],
): Promise<void> {
  const { accessToken } = await services.owner.identity.exchangeToken({ apiKey: credential, ...ORG });
  const held = { credential: calls(credential), token: calls(accessToken) };
  const each = Object.entries(held).flatMap(([kind, ofKind]) =>
    Object.entries(ofKind).map(([service, call]) => ({ kind, service, call })),
  );
  for (const { call } of each) await call();
  await take();
  const taken = performance.now();
  const measured = await Promise.all(
    each.map(async ({ kind, service, call }) => {
      for (;;) {
        const asked = performance.now() - taken;
        const reason = await reasonOf(call());
        if (reason !== 'answered') return { kind, service, reason, call, asked };
        if (asked > BOUND_MS) throw new Error(`${service} still answers the ${kind} after ${asked} ms`);
        await sleep(PAUSE_MS);
      }
    }),
  );
  for (const { kind, reason } of measured) {
    expect(kind === 'token' ? ['TOKEN_REVOKED'] : reasons).toContain(reason);
  }
  await sleep(STAYS_MS);
  for (const { call, kind, service } of measured) {
    expect([kind, service, await reasonOf(call())]).not.toContain('answered');
  }
  const times = measured.map(({ kind, service, asked }) => `${service} ${kind} ${Math.round(asked)} ms`);
  process.stdout.write(`${what}: refused after at most ${times.join(', ')}\n`);
}

describe('takes effect in every service', () => {
  test('a revoked API key', async () => {
    const { identity } = services.owner;
    const { key, apiKey } = await identity.createApiKey({ ...ORG, name: 'ci', role: Role.ADMIN });
    await expectGone(
      'api-key revoke',
      key,
      () => identity.revokeApiKey({ ...ORG, apiKey: apiKey?.uid ?? '' }),
      ['API_KEY_INVALID'],
    );
  });

  test('a deleted service account', async () => {
    const { identity } = services.owner;
    const { key } = await identity.createApiKey({ ...ORG, name: 'deploy', role: Role.ADMIN });
    const end = () => identity.deleteServiceAccount({ ...ORG, slug: 'deploy' });
    await expectGone('service-account delete', key, end, ['API_KEY_INVALID']);
  });

  test('another role', async () => {
    const { identity } = services.owner;
    const { key, apiKey } = await identity.createApiKey({ ...ORG, name: 'robot', role: Role.ADMIN });
    const change = () =>
      identity.setMember({ ...ORG, subjectUid: apiKey?.subjectUid ?? '', role: Role.VIEWER });
    await expectGone('member set', key, change, ['PERMISSION_DENIED']);
    const { config } = services.as(key);
    expect((await config.listSecrets(ORG)).secrets.map(({ slug }) => slug)).toContain('key');
    expect(await reasonOf(config.accessSecret({ ...ORG, slug: 'key' }))).toBe('PERMISSION_DENIED');
  });

  test('a sign-out, and a member who is removed while signed in', async () => {
    const link = readFileSync(join(services.folder, 'identity/owner-setup-link'), 'utf8').trim();
    const owner = await signInAsOwner(link, PASSWORD);
    await expectGone('auth logout', owner.access, owner.signOut, ['SESSION_INVALID']);

    const { identity } = services.owner;
    const [removed, stays] = [await newPerson(), await newPerson()];
    const signIn = ({ email }: typeof removed) => signInWithPassword(services.urls.identity, email, PASSWORD);
    const [session, other] = [await signIn(removed), await signIn(stays)];
    const { key } = await services.as(session.access).identity.createApiKey({ ...ORG, name: 'laptop' });
    const remove = () => identity.removeMember({ ...ORG, subjectUid: removed.uid });
    await expectGone('member remove, session', session.access, remove, ['ORGANIZATION_NOT_FOUND']);
    for (const call of Object.values(calls(key)))
      expect(await reasonOf(call())).toBe('ORGANIZATION_NOT_FOUND');
    for (const call of Object.values(calls(other.access))) await call();

    const own = await services.as(other.access).identity.createApiKey({ ...ORG, name: 'laptop' });
    const removeOther = () => identity.removeMember({ ...ORG, subjectUid: stays.uid });
    await expectGone('member remove, API key', own.key, removeOther, ['ORGANIZATION_NOT_FOUND']);
    expect((await services.as(session.access).identity.whoAmI({})).organizations).toEqual([]);
  }, 60_000);
});

test('while identity is gone, what holds a secret stays in, and the rest is answered to those who are known', async () => {
  const { owner } = services;
  const { key: stranger } = await owner.identity.createApiKey({ ...ORG, name: 'late', role: Role.ADMIN });
  const secrets = {
    AccessSecret: () => owner.config.accessSecret({ ...ORG, slug: 'key' }),
    IssueCredentials: () => owner.connections.issueCredentials({ ...ORG, connection: 'main' }),
    CreateRunnerToken: () => owner.runners.createRunnerToken({ ...ORG, runner: 'r' }),
  };
  const others = {
    GetSecret: () => owner.config.getSecret({ ...ORG, slug: 'key' }),
    ListConnections: () => owner.connections.listConnections(ORG),
    GetRunner: () => owner.runners.getRunner({ ...ORG, runner: 'r' }),
  };
  for (const call of [...Object.values(secrets), ...Object.values(others)]) await call();
  await services.kill('identity');
  const gone = performance.now();
  const measured = await Promise.all(
    Object.entries(secrets).map(async ([name, call]) => {
      for (let answered = 0; ; answered++) {
        const asked = performance.now() - gone;
        const reason = await reasonOf(call());
        if (reason !== 'answered') return { name, reason, asked, answered };
        if (asked > 20_000) throw new Error(`${name} still answers ${asked} ms after identity was killed`);
        await sleep(100);
      }
    }),
  );
  const times = measured.map(({ name, asked }) => `${name} ${Math.round(asked)} ms`);
  process.stdout.write(`identity killed: closed after at most ${times.join(', ')}\n`);
  for (const { name, reason, asked, answered } of measured) {
    expect([name, reason]).toEqual([name, 'REVOCATIONS_STALE']);
    // Ten seconds after the last answer of identity: not at once, and not much later.
    expect(answered).toBeGreaterThan(0);
    expect(asked).toBeLessThan(15_000);
  }
  for (const call of Object.values(others)) expect(await reasonOf(call())).toBe('answered');
  const { config, connections } = services.as(stranger);
  expect(await reasonOf(config.getSecret({ ...ORG, slug: 'key' }))).toBe('DEPENDENCY_UNAVAILABLE');
  expect(await reasonOf(connections.listConnections(ORG))).toBe('DEPENDENCY_UNAVAILABLE');
  // One may have heard of identity a moment later than the one that refused for it.
  for (const name of ['config-manager', 'connection-service', 'runner-gateway'] as const) {
    const isReady = async () => (await fetch(`${services.urls[name]}/readyz`)).ok;
    await waitUntil(`${name} is not ready`, async () => !(await isReady()), BOUND_MS);
  }

  await services.start('identity');
  for (const name of ['config-manager', 'connection-service', 'runner-gateway'] as const) {
    await services.ready(name);
  }
  for (const call of Object.values(secrets)) await call();
  expect(await reasonOf(config.getSecret({ ...ORG, slug: 'key' }))).toBe('answered');
}, 90_000);
