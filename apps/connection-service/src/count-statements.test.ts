import { type SeenStatement, watchStatements } from '@planton/database/testing';
import { expect, test } from 'vitest';
import { useSetups } from './testing/use-setups.ts';
import { awsConnection, defaultOf, type TestOrganization } from './testing/use-test-service.ts';
import { connectByTrust, openingSessions } from './testing/use-trust.ts';

// What a call costs, as docs/architecture.md says it. Another number here is another number there.

const AT_ONCE = 20;
const trust = useSetups('postgres');
const { service, initiate, createStack, advance } = trust;

const count = async (during: () => Promise<unknown>) => (await watchStatements(during)).length;
const atOnce = (call: () => Promise<unknown>) => () => Promise.all(Array.from({ length: AT_ONCE }, call));
/** The calls of other services while `during` ran. */
const callsOf = async (during: () => Promise<unknown>) => {
  const { config, runners } = service();
  const before = [config.calls.length, runners.runs.length] as const;
  await during();
  return { config: config.calls.length - before[0], runners: runners.runs.length - before[1] };
};
const parts = (seen: readonly SeenStatement[]) => {
  const first = seen.findIndex(({ inTransaction }) => inTransaction);
  const inside = seen.filter(({ inTransaction }) => inTransaction).length;
  return { before: first, inside, after: seen.length - first - inside };
};

async function withDefault(): Promise<TestOrganization> {
  const organization = await service().newOrganization();
  const { admin, slug: org } = organization;
  await admin.applyConnection({ org, connection: awsConnection('inline') });
  await admin.setDefaultProviderConnection({ org, default: defaultOf('inline') });
  return organization;
}

test('ResolveConnection: 1, shared', async () => {
  const { admin, slug: org } = await withDefault();
  const resolve = () => admin.resolveConnection({ org });
  expect(await count(resolve)).toBe(1);
  expect(await callsOf(resolve)).toEqual({ config: 0, runners: 0 });
  expect(await count(atOnce(resolve))).toBeLessThanOrEqual(AT_ONCE / 4);
});

test('IssueCredentials, inline: 1 shared and 1 record in a group commit, and a call of config-manager', async () => {
  const { admin, slug: org } = await withDefault();
  const issue = () => admin.issueCredentials({ org });
  expect(await count(issue)).toBe(2);
  expect(await callsOf(issue)).toEqual({ config: 1, runners: 0 });
  expect(await count(atOnce(issue))).toBeLessThanOrEqual(AT_ONCE / 2);
});

test('IssueCredentials, trust: one more where the session is new, and then a call of each service', async () => {
  const organization = await service().newOrganization();
  const { admin, slug: org } = organization;
  const region = { source: { case: 'value' as const, value: 'us-west-2' } };
  await connectByTrust(service(), organization, 'trust', { region });
  service().runners.carry = openingSessions();
  const issue = () => admin.issueCredentials({ org, connection: 'trust', provider: 'aws' });
  let statements = 0;
  const opening = async () => {
    statements = await count(issue);
  };
  expect(await callsOf(opening)).toEqual({ config: 1, runners: 1 });
  expect(statements).toBe(3);
  expect(await count(issue)).toBe(2);
  expect(await callsOf(issue)).toEqual({ config: 0, runners: 0 });
  expect(await count(atOnce(issue))).toBeLessThanOrEqual(AT_ONCE / 2);
});

test('InitiateAwsTrustSetup: 12, and 2 for the token of a callback', async () => {
  const organization = await service().newOrganization();
  const seen = await watchStatements(() => initiate(organization));
  const ofToken = seen.filter(({ text }) => /(into|from) "connect"."trust_setup_token"/.test(text));
  expect([seen.length - ofToken.length, ofToken.length]).toEqual([12, 2]);
  const another = await service().newOrganization();
  expect(await callsOf(() => initiate(another))).toEqual({ config: 1, runners: 1 });
});

test('an attempt of a set-up: 2; where it completes a new connection 3, a transaction of 11, and 2 to confirm', async () => {
  const organization = await service().newOrganization();
  const begun = await initiate(organization);
  let seen: SeenStatement[] = [];
  const attempt = async () => {
    // The test makes the set-up due by a statement of its own.
    [, ...seen] = await watchStatements(() => advance(organization));
  };
  // One call of config-manager reads the external ID, which the service remembers and the test does not.
  expect(await callsOf(attempt)).toEqual({ config: 1, runners: 1 });
  expect(seen).toHaveLength(2);
  createStack(begun);
  expect(await callsOf(attempt)).toEqual({ config: 3, runners: 2 });
  expect(parts(seen)).toEqual({ before: 3, inside: 11, after: 2 });
});

test('GetAwsTrustSetup: 1; watching: one at every look', async () => {
  const { admin, slug: org } = await service().newOrganization();
  const { setup } = await initiate({ admin, slug: org });
  const asked = { org, setupUid: setup?.uid ?? '' };
  expect(await count(() => admin.getAwsTrustSetup(asked))).toBe(1);
  expect(service().deps.setupPace.watchMs).toBe(500);
  const looks = 3;
  const leave = new AbortController();
  const watch = async () => {
    setTimeout(() => leave.abort(), looks * 500 - 250);
    const changes = admin.watchAwsTrustSetup(asked, { signal: leave.signal });
    await Array.fromAsync(changes).catch(() => {});
  };
  const seen = await watchStatements(watch);
  expect(seen.length).toBeGreaterThanOrEqual(1);
  expect(seen.length).toBeLessThanOrEqual(looks);
});
