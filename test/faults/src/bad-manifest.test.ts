import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPlanton, type Planton } from '@planton/client';
import { type CliResult, type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsManifest } from './manifest.ts';
import { expectRefusal } from './refusal.ts';

const org = { org: 'acme' };
const literal = 'wJalrXUtnFEMIK7MDENGbPxRfiCYLITERALSECRET';
let platform: Platform;
let owner: Planton;

const apply = (input: string, ...args: string[]) => platform.cli(['apply', '-f', '-', ...args], { input });
const documents = (...manifests: string[]) => manifests.join('---\n');

/** Everything that a manifest can change, with the etags that say whether it did. */
const contents = async () => {
  const [{ connections }, { defaults }, { authorizations }, { secrets }] = await Promise.all([
    owner.connections.listConnections(org),
    owner.connections.listDefaultProviderConnections(org),
    owner.connections.listProviderConnectionAuthorizations(org),
    owner.config.listSecrets(org),
  ]);
  const metadata = [
    ...connections.map(({ kind }) => kind.value?.metadata),
    ...[...defaults, ...authorizations].map((each) => each.metadata),
  ];
  return [
    ...metadata.map((each) => [each?.slug, each?.etag]),
    ...secrets.map(({ slug, etag }) => [slug, etag]),
  ];
};

/** Runs something that has to be refused, and sees that nothing came, went or changed. */
const refuse = async (run: () => Promise<CliResult>, code: number, ...patterns: RegExp[]) => {
  const before = await contents();
  const result = await run();
  expectRefusal(result, code, ...patterns);
  expect(`${result.stdout}${result.stderr}`).not.toContain(literal);
  expect(await contents()).toEqual(before);
};

beforeAll(async () => {
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  owner = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await owner.identity.createEnvironment({ ...org, slug: 'production' });
  await owner.config.setSecret({ ...org, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  await owner.config.setSecret({ ...org, slug: 'key', entries: { value: literal } });
  await owner.config.setVariable({ ...org, slug: 'short-account', value: '12345678901' });
  await owner.config.setVariable({ ...org, slug: 'account', value: '123456789012' });
  const { code, stderr } = await apply(awsManifest('main', { account_id: '{ variable: account }' }));
  if (code !== 0) throw new Error(stderr);
}, 90_000);
afterAll(() => platform?.stop());

describe('a manifest that cannot be read changes nothing and is told with line, column and what to do', () => {
  const good = awsManifest('other');

  test.each<[string, string, ...RegExp[]]>([
    [
      'an unknown field',
      awsManifest('other', { regoin: '{ value: us-east-1 }' }),
      /^stdin:10:3: unknown field `regoin`$/m,
      /did you mean `region`\?/,
    ],
    [
      'a wrong kind',
      good.replace('AwsProviderConnection', 'AwsProviderConection'),
      /^stdin:2:7: unknown kind `AwsProviderConection`$/m,
      /did you mean `AwsProviderConnection`\?/,
    ],
    [
      'a wrong apiVersion',
      good.replace('ai/v1', 'ai/v2'),
      /^stdin:1:13: unknown apiVersion/m,
      /use `apiVersion: connect\.planton\.ai\/v1`/,
    ],
    ['tabs', good.replaceAll(/^ {2}/gm, '\t'), /^stdin:4:1: YAML cannot be indented with tabs$/m],
    [
      'a field given twice',
      `${good}  region: { value: us-east-1 }\n`,
      /^stdin:10:3: `region` is given twice$/m,
    ],
    [
      'one bad document among good ones',
      documents(good, awsManifest('second').replace('kind:', 'knid:'), awsManifest('third')),
      /^stdin:11:1: `kind` is missing$/m,
    ],
    [
      'aliases of aliases',
      good.replace(
        'spec:',
        `  labels:\n    a: &a [${'x, '.repeat(9)}]\n${[...'bcdefghi']
          .map((key, index) => {
            const before = `*${'abcdefgh'[index]}`;
            return `    ${key}: &${key} [${Array(9).fill(before).join(', ')}]\n`;
          })
          .join('')}spec:`,
      ),
      /^stdin:6:11: `labels` takes a single value, found a list$/m,
    ],
    [
      'very many aliases',
      awsManifest('other', { capabilities: `[&a eks, ${Array(150).fill('*a').join(', ')}]` }),
      /more than 100 YAML aliases/,
    ],
    [
      'a literal value where a reference belongs',
      awsManifest('other', { secret_access_key: literal }),
      /^stdin:9:22: `secret_access_key` takes a reference to a secret, never the value itself$/m,
      /planton secret set SLUG --stdin value/,
    ],
    [
      'a literal value as the slug of a reference',
      awsManifest('other', { secret_access_key: `{ secret: ${literal} }` }),
      /^stdin:9:\d+: /m,
    ],
    ['a literal value as an unknown field', awsManifest('other', { [literal]: 'x' }), /^stdin:10:3: /m],
    [
      'a literal value of a kind that does not exist',
      good.replace('AwsProviderConnection', literal),
      /^stdin:2:7: unknown kind/m,
    ],
  ])('%s', (_name, manifest, ...patterns) =>
    refuse(() => apply(manifest), 2, /nothing was done/, /^hint: .*planton explain/m, ...patterns),
  );

  test('10 MB, as a file and from standard input', async () => {
    const large = good.padEnd(10_000_000, '# padding\n');
    const file = join(platform.home, 'large.yaml');
    writeFileSync(file, large);
    await refuse(() => platform.cli(['apply', '-f', file]), 2, /large\.yaml:1:1: .*at most 1 MiB/);
    await refuse(() => apply(large), 2, /^stdin:1:1: .*at most 1 MiB/m);
  });
});

describe('a manifest that the server refuses changes nothing and is told at its place', () => {
  test.each<[string, number, Record<string, string>, ...RegExp[]]>([
    [
      'a secret and a variable that do not exist, both at once',
      3,
      { account_id: '{ variable: no-account }', secret_access_key: '{ secret: no-key }' },
      /stdin:6:3: .*variable "no-account" does not exist in organisation "acme"/,
      /stdin:9:3: .*secret "no-key" does not exist in organisation "acme"/,
      /^hint: planton (variable|secret) set no-/m,
    ],
    [
      'an entry that the secret does not have',
      3,
      { secret_access_key: '{ secret: key, key: other }' },
      /secret "key" has no entry "other"; it has: value/,
      /^hint: planton secret set key other=/m,
    ],
    [
      'an account of 11 digits',
      2,
      { account_id: '{ value: "12345678901" }' },
      /stdin:6:24: spec\.account_id\.value: "12345678901": 11 digits given, 12 expected/,
    ],
    [
      'a variable that holds 11 digits',
      2,
      { account_id: '{ variable: short-account }' },
      /stdin:6:27: .*variable "short-account" holds "12345678901": 11 digits given, 12 expected/,
    ],
    [
      'a region that does not exist',
      2,
      { region: '{ value: us-wset-2 }' },
      /stdin:7:20: .*"us-wset-2" is not an AWS region; did you mean us-west-2\?/,
      /^hint: .*planton explain AwsProviderConnection/m,
    ],
    [
      'a runner that does not exist',
      3,
      { auth_mode: 'runner', runner: 'nowhere' },
      /"nowhere" does not exist/,
    ],
    ['runner mode without a runner', 2, { auth_mode: 'runner' }, /stdin:5:1: .*runner needs runner/],
    [
      'a trust set up by hand',
      5,
      { auth_mode: 'cross_account_trust', iam_role_arn: 'arn:aws:iam::123456789012:role/planton' },
      /set up by the server, which mints the external ID/,
    ],
    [
      'an external ID that was not minted here',
      2,
      {
        auth_mode: 'cross_account_trust',
        iam_role_arn: 'arn:aws:iam::123456789012:role/planton',
        external_id: '{ secret: key }',
      },
      /stdin:12:3: spec\.external_id: only the server sets it/,
    ],
  ])('%s', (_name, code, replace, ...patterns) =>
    refuse(() => apply(awsManifest('other', replace)), code, ...patterns),
  );

  test('names that are too long, or that no slug can be made from', async () => {
    await refuse(() => apply(awsManifest('a'.repeat(1000))), 2, /stdin:4:9: .*at most 100 characters/);
    await refuse(() => apply(awsManifest('日本')), 2, /no slug can be made from it/, /metadata\.slug/);
    await refuse(() => apply(awsManifest('"a\\0b"')), 2, /stdin:4:9: .*must not hold a NUL character/);
  });

  test('an organisation that does not exist, or is another than the one typed', async () => {
    await refuse(() => apply(awsManifest('other'), '--org', 'nowhere'), 3, /no organisation "nowhere"/);
    const foreign = awsManifest('other').replace('metadata:', 'metadata:\n  org: globex');
    await refuse(
      () => apply(foreign, '--org', 'acme'),
      2,
      /^stdin:4:8: the manifest belongs to globex, and --org is acme$/m,
    );
  });

  test('a name whose slug belongs to another', () =>
    refuse(
      () => apply(awsManifest('Main!')),
      5,
      /the slug "main", made from the name "Main!", belongs to the connection with the name "main"/,
      /^hint: .*metadata\.slug/m,
    ));

  test('an update of something that has changed since it was read', async () => {
    const { connection } = await owner.connections.getConnection({ ...org, connection: 'main' });
    const etag = connection?.kind.value?.metadata?.etag ?? '';
    const region = { account_id: '{ variable: account }', region: '{ value: eu-west-1 }' };
    expect((await apply(awsManifest('main', region), '--if-match', etag)).code).toBe(0);
    await refuse(
      () => apply(awsManifest('main'), '--if-match', etag),
      5,
      /connection "main" has changed since it was read/,
      /^hint: planton get AwsProviderConnection main$/m,
    );
  });
});

test('several documents are applied in order, each with its outcome, around one that the server refuses', async () => {
  const { code, stdout, stderr } = await apply(
    documents(
      awsManifest('first'),
      awsManifest('refused', { secret_access_key: '{ secret: no-key }' }),
      awsManifest('last'),
      awsManifest('first'),
    ),
  );
  expect(code).toBe(3);
  expect(stdout.trim().split('\n')).toEqual([
    'AwsProviderConnection first created (revision 1)',
    'AwsProviderConnection last created (revision 1)',
    'AwsProviderConnection first unchanged (revision 1)',
  ]);
  expect(stderr).toMatch(/^error: AwsProviderConnection refused \(stdin:11\) was refused$/m);
  const { connections } = await owner.connections.listConnections(org);
  expect(connections.map(({ kind }) => kind.value?.metadata?.slug).sort()).toEqual(['first', 'last', 'main']);
});

describe('what is in use is not deleted, and its users are named', () => {
  test('a secret', () =>
    refuse(
      () => platform.cli(['secret', 'delete', 'key-id']),
      5,
      /secret "key-id" is in use by .*AwsProviderConnection main/,
      /^hint: planton secret usages key-id$/m,
    ));

  test('a variable', () =>
    refuse(
      () => platform.cli(['variable', 'delete', 'account']),
      5,
      /variable "account" is in use by AwsProviderConnection main/,
      /^hint: planton variable usages account$/m,
    ));

  test('a connection that is a default, and one that has an authorisation', async () => {
    const header = 'apiVersion: connect.planton.ai/v1\nkind: ';
    const default_ = `${header}DefaultProviderConnection\nspec: { provider: aws, connection: main, environment: production }\n`;
    const authorization = `${header}ProviderConnectionAuthorization\nspec: { provider: aws, connection: main, scope: organization }\n`;
    const { stderr } = await apply(documents(default_, authorization));
    expect(stderr).toBe('');
    await refuse(
      () => platform.cli(['delete', 'aws', 'main']),
      5,
      /^error: connection "main" is in use: default of environment production, an authorisation$/m,
      /^hint: planton connection default unset --provider aws --env production; planton delete ProviderConnectionAuthorization aws\.main$/m,
    );
  });
});
