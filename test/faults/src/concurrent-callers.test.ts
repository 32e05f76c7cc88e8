import { Code } from '@connectrpc/connect';
import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { createPlanton, type Planton } from '@planton/client';
import { type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionNamed, defaultOf } from './connection-requests.ts';
import { awsManifest } from './manifest.ts';
import { refusalOf } from './refusal.ts';

const org = { org: 'acme' };
let platform: Platform;
let owner: Planton;

beforeAll(async () => {
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  owner = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await owner.config.setSecret({ ...org, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  await owner.config.setSecret({
    ...org,
    slug: 'key',
    entries: { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  });
}, 90_000);
afterAll(() => platform?.stop());

test('ten apply the same new manifest: one creates it, and nobody fails', async () => {
  const answers = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      owner.connections.applyConnection(
        connectionNamed('contended', 'key-id', index % 2 === 0 ? 'us-west-2' : 'eu-west-1'),
      ),
    ),
  );
  const outcomes = answers.map(({ outcome }) => outcome);
  expect(outcomes.filter((outcome) => outcome === ApplyOutcome.CREATED)).toHaveLength(1);
  expect(outcomes).not.toContain(ApplyOutcome.UNSPECIFIED);
  expect(new Set(answers.map(({ connection }) => connection?.kind.value?.metadata?.uid)).size).toBe(1);
  const changes = outcomes.filter((outcome) => outcome !== ApplyOutcome.UNCHANGED).length;
  const { connection } = await owner.connections.getConnection({ ...org, connection: 'contended' });
  expect(connection?.kind.value?.metadata?.revision).toBe(changes);
});

test('ten commands create the same connection from a file', async () => {
  const results = await Promise.all(
    Array.from({ length: 10 }, () => platform.cli(['apply', '-f', '-'], { input: awsManifest('same-file') })),
  );
  expect(results.map(({ code, stderr }) => `${code}${stderr}`)).toEqual(Array(10).fill('0'));
  expect(results.filter(({ stdout }) => stdout.includes('created (revision 1)'))).toHaveLength(1);
  expect(results.filter(({ stdout }) => stdout.includes('unchanged (revision 1)'))).toHaveLength(9);
});

test('a connection is made the default and deleted: no default is left without its connection', async () => {
  for (let round = 0; round < 12; round++) {
    const connection = `racer-${round}`;
    await owner.connections.applyConnection(connectionNamed(connection));
    const set = () => owner.connections.setDefaultProviderConnection(defaultOf(connection));
    const remove = () => owner.connections.deleteConnection({ ...org, connection });
    const calls = round % 2 === 0 ? [set(), remove()] : [remove(), set()];
    const failures = (await Promise.allSettled(calls)).flatMap((call) =>
      call.status === 'rejected' ? [call.reason] : [],
    );
    expect(failures).toHaveLength(1);
    const { code } = await refusalOf(Promise.reject(failures[0]));
    expect([Code.NotFound, Code.FailedPrecondition]).toContain(code);

    const lives = (await owner.connections.listConnections(org)).connections.some(
      ({ kind }) => kind.value?.metadata?.slug === connection,
    );
    const { defaults } = await owner.connections.listDefaultProviderConnections(org);
    expect(defaults.map(({ spec }) => spec?.connection)).toEqual(lives ? [connection] : []);
    if (lives) await owner.connections.deleteDefaultProviderConnection({ ...org, provider: 'aws' });
  }
});

test('twenty set the same secret: every value is a version of its own, 1 to 20', async () => {
  const values = Array.from({ length: 20 }, (_, index) => `value-${index}`);
  const answers = await Promise.all(
    values.map((value) => owner.config.setSecret({ ...org, slug: 'busy', entries: { value } })),
  );
  const expected = values.map((_, index) => index + 1);
  const ascending = (numbers: number[]) => numbers.sort((a, b) => a - b);
  expect(ascending(answers.map(({ secret }) => secret?.currentVersion ?? 0))).toEqual(expected);
  const stored = await Promise.all(
    expected.map((version) => owner.config.accessSecret({ ...org, slug: 'busy', version })),
  );
  expect(stored.map(({ entries }) => entries.value).sort()).toEqual([...values].sort());
  for (const [index, { secret }] of answers.entries()) {
    const version = secret?.currentVersion ?? 0;
    expect(stored[version - 1]?.entries.value).toBe(values[index]);
  }
});

test('the log holds no fault of the server', () => {
  expect(
    platform
      .log()
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line)),
  ).toEqual([]);
});
