import { useTestEngine, watchStatements } from '@planton/database/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { callOwnedSecrets, newOwner } from './testing/call-owned-secrets.ts';
import { startConfigManager, type TestConfigManager } from './testing/start-config-manager.ts';

// What a call costs, as docs/architecture.md says it. Another number here is another number there.

const AT_ONCE = 20;
const engine = useTestEngine('postgres');
let config: TestConfigManager;
beforeAll(async () => {
  config = await startConfigManager(engine());
});
afterAll(() => config.stop());

const begin = async () => {
  const org = config.newOrg();
  const client = await config.as({ org });
  await client.setSecret({ org: org.slug, slug: 'aws', entries: { id: 'the-id', key: 'the-key' } });
  await client.setVariable({ org: org.slug, slug: 'region', value: 'us-west-2' });
  return { org: org.slug, client };
};
const count = async (during: () => Promise<unknown>) => (await watchStatements(during)).length;
const atOnce = (call: () => Promise<unknown>) => () => Promise.all(Array.from({ length: AT_ONCE }, call));

test('AccessSecret: 1, shared, the records included', async () => {
  const { org, client } = await begin();
  const access = () => client.accessSecret({ org, slug: 'aws' });
  expect(await count(access)).toBe(1);
  expect(await count(atOnce(access))).toBeLessThanOrEqual(AT_ONCE / 4);
  const { records } = await client.listAuditRecords({ org, action: 'secret.access', pageSize: 100 });
  expect(records).toHaveLength(1 + AT_ONCE);
});

test('ResolveReferences, for IssueCredentials: 1, shared, the records included', async () => {
  const { org, client } = await begin();
  const secret = (key: string) => ({
    target: { case: 'secret' as const, value: { slug: 'aws', key } },
  });
  const references = [
    secret('id'),
    secret('key'),
    { target: { case: 'variable' as const, value: 'region' } },
  ];
  const resolve = () => client.resolveReferences({ org, references, purpose: 'deploy' });
  expect(await count(resolve)).toBe(1);
  expect(await count(atOnce(resolve))).toBeLessThanOrEqual(AT_ONCE / 4);
  const { records } = await client.listAuditRecords({ org, action: 'secret.access', pageSize: 100 });
  expect(records).toHaveLength(1 + AT_ONCE);
});

test('MintOwnedSecret, for InitiateAwsTrustSetup: 1, and a transaction of 6', async () => {
  const { mint } = await callOwnedSecrets(config, config.newOrg(), newOwner());
  // The first secret of an organisation makes its key as well.
  await mint(crypto.randomUUID(), 'first');
  const seen = await watchStatements(() => mint(crypto.randomUUID()));
  const inside = seen.filter(({ inTransaction }) => inTransaction).length;
  expect([seen.length - inside, inside]).toEqual([1, 6]);
});
