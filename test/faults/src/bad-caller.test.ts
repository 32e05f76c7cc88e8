import { Code } from '@connectrpc/connect';
import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton, type Planton } from '@planton/client';
import { type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { connectionNamed, defaultOf } from './connection-requests.ts';
import { expectRefusal, refusalOf } from './refusal.ts';

const org = { org: 'acme' };
let platform: Platform;
let owner: Planton;

const clientOf = (apiKey: string) => createPlanton({ server: platform.url, apiKey });

beforeAll(async () => {
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  owner = clientOf(platform.ownerKey());
  await owner.config.setSecret({ ...org, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  await owner.config.setSecret({
    ...org,
    slug: 'key',
    entries: { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  });
  await owner.connections.applyConnection(connectionNamed('main'));
}, 90_000);
afterAll(() => platform?.stop());

describe('a caller who is not who he should be', () => {
  test.each([
    ['unknown', 'planton_doesnotexist', 4],
    ['not a key at all', 'two words', 2],
  ])('a key that is %s', async (_name, key, code) => {
    const env = { ...platform.env, PLANTON_API_KEY: key, PLANTON_ORG: 'acme' };
    const result = await platform.cli(['secret', 'list'], { env });
    expectRefusal(result, code, /API key/);
    expect(result.stderr).not.toContain(key);
  });

  test('a role that does not include what is asked', async () => {
    const { key } = await owner.identity.createApiKey({ ...org, name: 'viewer', role: Role.VIEWER });
    const env = { ...platform.env, PLANTON_API_KEY: key, PLANTON_ORG: 'acme' };
    for (const args of [
      ['secret', 'set', 'viewed', 'value=x'],
      ['secret', 'get', 'key', '--key', 'value', '--reveal'],
      ['connection', 'credentials', '--connection', 'main', '-o', 'json'],
      ['delete', 'aws', 'main'],
    ]) {
      const result = await platform.cli(args, { env });
      expectRefusal(
        result,
        4,
        /your role viewer in acme does not include \w+/,
        /^hint: ask an owner or admin/m,
      );
      expect(result.stdout).toBe('');
    }
    const { secrets } = await owner.config.listSecrets(org);
    expect(secrets.map(({ slug }) => slug)).toEqual(['key', 'key-id']);
  });

  test('an access token that was changed, cut or made by someone else', async () => {
    const { accessToken } = await owner.identity.exchangeToken({ apiKey: platform.ownerKey(), ...org });
    expect((await clientOf(accessToken).config.listSecrets(org)).secrets).toHaveLength(2);
    const [header = '', payload = '', signature = ''] = accessToken.split('.');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const token of [
      `${header}.${encode({ ...claims, exp: claims.exp + 3600 })}.${signature}`,
      `${header}.${encode({ ...claims, sub: 'someone' })}.${signature}`,
      `${encode({ alg: 'none' })}.${payload}.`,
      `${header}.${payload}.`,
      accessToken.slice(0, -8),
      '..',
    ]) {
      const { code, message } = await refusalOf(clientOf(token).config.listSecrets(org));
      expect(code).toBe(Code.Unauthenticated);
      expect(message).not.toContain(payload);
    }
  });
});

test('an access token ends with the key that it was made from, and no later than after five minutes', async () => {
  const lifetime = { seconds: 60n };
  const { key, apiKey } = await owner.identity.createApiKey({
    ...org,
    name: 'mortal',
    role: Role.ADMIN,
    lifetime,
  });
  const end = apiKey?.expireTime?.seconds;
  expect((await owner.identity.exchangeToken({ apiKey: key, ...org })).expireTime?.seconds).toBe(end);
  const immortal = await owner.identity.exchangeToken({ apiKey: platform.ownerKey(), ...org });
  expect(Number(immortal.expireTime?.seconds)).toBeLessThanOrEqual(Date.now() / 1000 + 301);
});

describe('what is asked for does not exist', () => {
  test.each([
    [
      'environment',
      ['secret', 'set', 'scoped', 'value=x', '--env', 'nowhere'],
      /^hint: planton env create nowhere$/m,
    ],
    [
      'environment of a default',
      ['connection', 'default', 'set', '--provider', 'aws', '--connection', 'main', '--env', 'nowhere'],
      /planton env/,
    ],
    ['organisation', ['secret', 'list', '--org', 'nowhere'], /^hint: planton org list$/m],
    [
      'connection',
      ['connection', 'credentials', '--connection', 'nowhere', '-o', 'json'],
      /^hint: planton connection list$/m,
    ],
    ['default', ['connection', 'resolve', '--provider', 'aws'], /^hint: planton connection default set/m],
    ['version', ['secret', 'rollback', 'key', '--version', '99'], /^hint: planton secret versions key$/m],
  ])('%s', async (_name, args, hint) => {
    const result = await platform.cli(args);
    expectRefusal(result, 3, hint);
    expect(result.stdout).toBe('');
  });
});

describe('a stored key that cannot work', () => {
  test.each([
    ['cut', 'AKIAIOSFODNN7EXAMPL', /19 characters long; an access key id has 20/],
    ['padded', 'AKIAIOSFODNN7EXAMPLE\n', /white space/],
  ])('%s: the error names the field and the secret, never the value', async (name, value, fault) => {
    await owner.config.setSecret({ ...org, slug: name, entries: { value } });
    await owner.connections.applyConnection(connectionNamed(`on-${name}`, name));
    for (const args of [['credentials', '-o', 'json'], ['exec']]) {
      const tail = args[0] === 'exec' ? ['--', 'true'] : [];
      const result = await platform.cli(['connection', ...args, '--connection', `on-${name}`, ...tail]);
      expectRefusal(result, 5, /spec\.access_key_id/, new RegExp(`secret "${name}"`), fault);
      expect(`${result.stdout}${result.stderr}`).not.toContain(value.slice(0, 12));
    }
  });

  test('a long-term key can be neither scoped down nor given an end', async () => {
    const issue = { ...org, connection: 'main' };
    for (const [field, extra] of [
      ['session_policy', { sessionPolicy: '{"Version":"2012-10-17","Statement":[]}' }],
      ['duration', { duration: { seconds: 3600n } }],
    ] as const) {
      const { code, message } = await refusalOf(owner.connections.issueCredentials({ ...issue, ...extra }));
      expect(code).toBe(Code.InvalidArgument);
      expect(message).toContain(field);
    }
  });
});

describe('hostile text', () => {
  const hostile = [
    '../x',
    '__proto__',
    'a\0b',
    'A B',
    '-',
    `${'a'.repeat(1000)}`,
    '\u202egpj',
    "'; drop table secrets --",
  ];

  test('is no slug of anything, and finds nothing', async () => {
    const refusals = hostile.flatMap((text) => [
      owner.config.setSecret({ ...org, slug: text, entries: { value: 'x' } }),
      owner.config.setSecret({ ...org, slug: 'fine', environment: text, entries: { value: 'x' } }),
      owner.config.setVariable({ ...org, slug: text, value: 'x' }),
      owner.config.getSecret({ ...org, slug: text }),
      owner.config.accessSecret({ ...org, slug: 'key', environment: text }),
      owner.config.listSecrets({ org: text }),
      owner.identity.createEnvironment({ ...org, slug: text }),
      owner.identity.createOrganization({ slug: text }),
      owner.identity.deleteEnvironment({ ...org, environment: text }),
      owner.identity.createApiKey({ ...org, name: text, role: Role.VIEWER }),
      owner.connections.getConnection({ ...org, connection: text }),
      owner.connections.deleteConnection({ ...org, connection: text }),
      owner.connections.resolveConnection({ ...org, connection: text }),
      owner.connections.resolveConnection({ ...org, provider: text }),
      owner.connections.setDefaultProviderConnection(defaultOf(text)),
      owner.connections.issueCredentials({ ...org, connection: 'main', environment: text }),
    ]);
    for (const refusal of await Promise.all(refusals.map(refusalOf))) {
      expect([Code.InvalidArgument, Code.NotFound, Code.FailedPrecondition]).toContain(refusal.code);
      expect(refusal.reason).not.toBe('');
      expect(refusal.message.length).toBeLessThan(400);
      expect(refusal.message).not.toMatch(/regex|syntax error|invalid byte/);
    }
    const { organizations } = await owner.identity.listOrganizations({});
    expect(organizations.map(({ slug }) => slug)).toEqual(['acme']);
  });

  test('names of JavaScript are names like others', async () => {
    for (const name of ['constructor', 'to-string', 'hasownproperty', 'Prod «ünïcode» 日本']) {
      const { connection, outcome } = await owner.connections.applyConnection(connectionNamed(name));
      expect(outcome).toBe(ApplyOutcome.CREATED);
      expect(connection?.kind.value?.metadata?.name).toBe(name);
      const found = await owner.connections.getConnection({ ...org, connection: name });
      expect(found.connection).toEqual(connection);
    }
    await owner.config.setSecret({
      ...org,
      slug: 'constructor',
      entries: { constructor: '1', toString: '2' },
    });
    const { entries } = await owner.config.accessSecret({ ...org, slug: 'constructor' });
    expect(Object.entries(entries).sort()).toEqual([
      ['constructor', '1'],
      ['toString', '2'],
    ]);
  });

  test('page tokens that a list did not return', async () => {
    const size = { ...org, pageSize: 1 };
    const lists = [
      (pageToken: string) => owner.config.listSecrets({ ...size, pageToken }),
      (pageToken: string) => owner.config.listAuditRecords({ ...size, pageToken }),
      (pageToken: string) => owner.config.listSecretVersions({ ...size, slug: 'key', pageToken }),
      (pageToken: string) => owner.config.listVariables({ ...size, pageToken }),
      (pageToken: string) => owner.connections.listConnections({ ...size, pageToken }),
      (pageToken: string) => owner.connections.listAuditRecords({ ...size, pageToken }),
      (pageToken: string) => owner.connections.listDefaultProviderConnections({ ...size, pageToken }),
      (pageToken: string) => owner.connections.listProviderConnectionAuthorizations({ ...size, pageToken }),
      (pageToken: string) =>
        owner.connections.listConnectionRevisions({ ...size, connection: 'main', pageToken }),
    ];
    await owner.config.setSecret({
      ...org,
      slug: 'key',
      entries: { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKE2' },
    });
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
    let forged = 0;
    for (const list of lists) {
      const { nextPageToken } = await list('');
      const tokens = ['garbage', '!', '\0', encode({}), encode([]), encode(['x', 'y']), 'x'.repeat(1025)];
      if (nextPageToken !== '') {
        const [digest, ...parts] = JSON.parse(Buffer.from(nextPageToken, 'base64url').toString());
        tokens.push(encode([digest]), encode([digest, ...parts, ...parts, 'x']));
        for (const part of [1, null, {}, '\0', 'x', "' or 1=1", '9'.repeat(40)])
          tokens.push(encode([digest, ...parts.map(() => part)]));
        forged += 1;
      }
      for (const token of tokens) {
        const outcome = await list(token).catch((error: unknown) => error);
        if (outcome instanceof Error) {
          const { code } = await refusalOf(Promise.reject(outcome));
          expect(code, token).toBe(Code.InvalidArgument);
        }
      }
      expect((await refusalOf(list('garbage'))).code).toBe(Code.InvalidArgument);
    }
    expect(forged).toBeGreaterThanOrEqual(5);
  });

  test('requests that are too large', async () => {
    const large = 'x'.repeat(5 * 1024 * 1024);
    for (const call of [
      () => owner.config.setSecret({ ...org, slug: 'large', entries: { value: large } }),
      () => owner.config.setVariable({ ...org, slug: 'large', value: large }),
      () => owner.connections.getConnection({ ...org, connection: large }),
    ]) {
      const { code, message } = await refusalOf(call());
      expect(code).toBe(Code.ResourceExhausted);
      expect(message).toMatch(/larger than .* \d+/);
    }
    expect((await owner.config.listSecrets(org)).secrets.length).toBeGreaterThan(0);
    const response = await fetch(`${platform.url}/planton.config.v1.ConfigManager/SetSecret`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${platform.ownerKey()}` },
      body: JSON.stringify({ ...org, slug: 'large', entries: { value: large } }),
    });
    expect(response.status).toBe(429);
    expect(await response.text()).toContain('resource_exhausted');
    const value = 'x'.repeat(65_537);
    expect(
      (await refusalOf(owner.config.setSecret({ ...org, slug: 'large', entries: { value } }))).code,
    ).toBe(Code.InvalidArgument);
    expect((await refusalOf(owner.config.getSecret({ ...org, slug: 'large' }))).code).toBe(Code.NotFound);
    expect((await fetch(`${platform.url}/readyz`)).status).toBe(200);
  });
});

test('the log holds no fault of the server', () => {
  expect(platform.log()).toContain('refused');
  expect(
    platform
      .log()
      .split('\n')
      .filter((line) => /"level":"(error|fatal)"/.test(line)),
  ).toEqual([]);
});
