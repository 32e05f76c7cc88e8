import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { connectionService } from '../testing/connections.ts';
import { cliAt } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

const manifest = (name: string, region = 'us-west-2', metadata = '') => `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata:
  name: ${name}${metadata}
spec:
  auth_mode: inline
  account_id:
    value: "123456789012"
  region:
    value: ${region}
  access_key_id:
    secret: aws-access-key-id
  secret_access_key:
    secret: aws-secret-access-key
`;

async function start() {
  const service = connectionService();
  const { url, requests } = await serve(service.routes);
  const { cli, home } = cliAt(url);
  const file = (text: string, name = 'm.yaml') => {
    writeFileSync(`${home}/${name}`, text);
    return `${home}/${name}`;
  };
  const acme = (args: string[], stdin?: string) =>
    cli(args, { env: { PLANTON_ORG: 'acme' }, ...(stdin === undefined ? {} : { stdin }) });
  return { ...service, cli: acme, file, home, requests };
}

describe('apply', () => {
  test('creates, changes nothing the second time, and updates', async () => {
    const { cli, file, connections } = await start();
    const path = file(manifest('my-aws-connection'));
    expect(await cli(['apply', '-f', path])).toEqual({
      code: 0,
      stdout: 'AwsProviderConnection my-aws-connection created (revision 1)\n',
      stderr: '',
    });
    expect((await cli(['apply', '-f', path])).stdout).toBe(
      'AwsProviderConnection my-aws-connection unchanged (revision 1)\n',
    );
    const changed = await cli(['apply', '-f', '-'], manifest('my-aws-connection', 'eu-west-1'));
    expect(changed.stdout).toBe('AwsProviderConnection my-aws-connection updated (revision 2)\n');
    expect(connections.get('my-aws-connection')?.metadata?.org).toBe('acme');
  });

  test('what get prints changes nothing', async () => {
    const { cli, file } = await start();
    await cli(['apply', '-f', file(manifest('a'))]);
    const { stdout } = await cli(['get', 'aws', 'a']);
    expect(stdout).toContain('account_id:\n    value: "123456789012"');
    expect(stdout).toContain('access_key_id:\n    secret: aws-access-key-id');
    expect((await cli(['apply', '-f', '-'], stdout)).stdout).toContain('a unchanged (revision 1)');
  });

  test('documents and files go in order; one that is refused is told with its place, the others are applied', async () => {
    const { cli, home, connections } = await start();
    mkdirSync(`${home}/manifests`);
    writeFileSync(`${home}/manifests/2.yaml`, manifest('z'));
    writeFileSync(
      `${home}/manifests/1.yml`,
      `${manifest('a')}---\n${manifest('refused')}---\n${manifest('b')}`,
    );
    writeFileSync(`${home}/manifests/notes.txt`, 'no manifest');
    const { code, stdout, stderr } = await cli(['apply', '-f', `${home}/manifests`]);
    expect(code).toBe(2);
    expect(stdout.match(/ \w+ created/g)).toEqual([' a created', ' b created', ' z created']);
    expect(stderr).toContain(
      `error: AwsProviderConnection refused (${home}/manifests/1.yml:16): the connection is not valid`,
    );
    expect(stderr).toContain(
      `${home}/manifests/1.yml:23:12: spec.account_id.value: has 11 digits; an account has 12`,
    );
    expect(stderr).toContain('  23 |     value: "123456789012"');
    expect([...connections.keys()]).toEqual(['a', 'b', 'z']);
  });

  test('if one document cannot be read nothing is applied, and every problem is told', async () => {
    const { cli, file, requests } = await start();
    const path = file(`${manifest('a')}---\n${manifest('b').replace('auth_mode', 'auth_mod')}---\nkind: x\n`);
    const { code, stdout, stderr } = await cli(['apply', '-f', path]);
    expect({ code, stdout, requests }).toEqual({ code: 2, stdout: '', requests: [] });
    expect(stderr).toContain(`${path}:21:3: unknown field \`auth_mod\``);
    expect(stderr).toContain('did you mean `auth_mode`?');
    expect(stderr).toContain('unknown kind `x`');
    expect(stderr).toContain('error: 3 problems in the manifests; nothing was done');
  });

  test('a literal secret is refused and not shown', async () => {
    const { cli, file, requests } = await start();
    const literal = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
    const { code, stdout, stderr } = await cli([
      'apply',
      '-f',
      file(manifest('a').replace('aws-secret-access-key', literal)),
    ]);
    expect({ code, requests }).toEqual({ code: 2, requests: [] });
    expect(stdout + stderr).not.toContain('wJalr');
    expect(stderr).toContain('use `secret: SLUG`');
  });

  test('the manifest names the organisation, and --org has to agree', async () => {
    const { cli, file, connections } = await start();
    const path = file(manifest('a', 'r', '\n  org: other'));
    expect((await cli(['apply', '-f', path])).code).toBe(0);
    expect(connections.get('a')?.metadata?.org).toBe('other');
    const { code, stderr } = await cli(['apply', '-f', path, '--org', 'acme']);
    expect(code).toBe(2);
    expect(stderr).toContain(`${path}:5:8: the manifest belongs to other, and --org is acme`);
  });

  test('--if-match refuses what has changed, and takes one manifest', async () => {
    const { cli, file } = await start();
    const path = file(manifest('a'));
    await cli(['apply', '-f', path]);
    expect((await cli(['apply', '-f', path, '--if-match', 'etag-0'])).code).toBe(5);
    expect((await cli(['apply', '-f', path, '--if-match', 'etag-1'])).code).toBe(0);
    expect((await cli(['apply', '-f', path, '-f', path, '--if-match', 'etag-1'])).code).toBe(2);
  });

  test('all three kinds are applied, warnings are told', async () => {
    const { cli, file, defaults, authorizations } = await start();
    const head = 'apiVersion: connect.planton.ai/v1\nkind';
    const text = [
      manifest('a').replace('spec:', 'spec:\n  runner: r'),
      `${head}: DefaultProviderConnection\nspec: {provider: aws, connection: a, environment: production}\n`,
      `${head}: ProviderConnectionAuthorization\nspec: {provider: aws, connection: a, scope: environment, environments: [production]}\n`,
    ].join('---\n');
    const { stdout, stderr } = await cli(['apply', '-f', file(text), '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject([
      { name: 'a' },
      { name: 'production.aws' },
      { name: 'aws.a', outcome: 'created' },
    ]);
    expect(stderr).toBe('warning: AwsProviderConnection a: runner was ignored\n');
    expect([defaults.length, authorizations[0]?.spec?.environments]).toEqual([1, ['production']]);
    expect((await cli(['get', 'DefaultProviderConnection'])).stdout).toContain('production.aws');
    expect((await cli(['get', 'DefaultProviderConnection', 'production.aws'])).stdout).toContain(
      'environment: production',
    );
    const deleted = await cli(['delete', 'ProviderConnectionAuthorization', 'aws.a']);
    expect(deleted.stderr).toContain('warning: the connection is open to every environment now');
    expect((await cli(['delete', 'ProviderConnectionAuthorization', 'a'])).code).toBe(2);
  });

  test.each([
    ['nothing/here.yaml', 'there is no such file'],
    ['.', 'holds no .yaml'],
    ['/dev/zero', 'a manifest file has at most 1 MiB'],
  ])('%s is refused', async (path, message) => {
    const { cli, home } = await start();
    const { code, stderr } = await cli(['apply', '-f', path === '.' ? home : path]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test('standard input is read up to the limit and no further', async () => {
    const { cli } = await start();
    expect((await cli(['apply', '-f', '-'], 'x'.repeat(3 * 1024 * 1024))).stderr).toContain('at most 1 MiB');
  });
});

test('get lists a kind with the fields that its contract has', async () => {
  const { cli, file } = await start();
  expect((await cli(['get', 'aws'])).stderr).toBe('no AwsProviderConnection in acme\n');
  await cli(['apply', '-f', file(manifest('a').replace('value: us-west-2', 'variable: aws-region'))]);
  expect((await cli(['get', 'AWSPROVIDERCONNECTION'])).stdout).toBe(
    [
      'NAME  AUTH MODE  ACCOUNT ID    REGION               RUNNER  DEFAULT FOR',
      'a     inline     123456789012  variable aws-region  -       -\n',
    ].join('\n'),
  );
  expect(JSON.parse((await cli(['get', 'aws', 'a', '-o', 'json'])).stdout)).toMatchObject({
    apiVersion: 'connect.planton.ai/v1',
    spec: { auth_mode: 'inline', region: { variable: 'aws-region' } },
  });
  expect(await cli(['get', 'aws', 'b'])).toMatchObject({ code: 3, stdout: '' });
});

test('delete just deletes without a terminal', async () => {
  const { cli, file, connections } = await start();
  await cli(['apply', '-f', file(manifest('a'))]);
  expect((await cli(['delete', 'aws', 'a'])).stderr).toBe('AwsProviderConnection a deleted\n');
  expect(connections.size).toBe(0);
  expect((await cli(['delete', 'aws', 'a'])).code).toBe(3);
});

test('diff shows what would change, exits with 6, and changes nothing', async () => {
  const { cli, file, connections } = await start();
  const path = file(manifest('a'));
  const fresh = await cli(['diff', '-f', path]);
  expect(fresh.code).toBe(6);
  expect(fresh.stdout).toContain('AwsProviderConnection a would be created\n+apiVersion');
  await cli(['apply', '-f', path]);
  expect(await cli(['diff', '-f', path])).toEqual({ code: 0, stdout: '', stderr: '' });
  const { code, stdout } = await cli(['diff', '-f', file(manifest('a', 'eu-west-1'))]);
  expect(code).toBe(6);
  expect(stdout.match(/^[-+].*/gm)).toEqual(['-    value: us-west-2', '+    value: eu-west-1']);
  expect(connections.get('a')?.metadata?.revision).toBe(1);
  expect((await cli(['diff', '-f', file(manifest('refused'))])).code).toBe(2);
});

test('validate checks the contract here and the rest at the server', async () => {
  const { cli, file, connections, requests } = await start();
  expect((await cli(['validate', '-f', file(manifest('a'))])).stdout).toBe('1 manifest is valid\n');
  expect((await cli(['validate', '-f', file(manifest('refused'))])).code).toBe(2);
  expect(connections.size).toBe(0);
  const asked = requests.length;
  const { code, stderr } = await cli([
    'validate',
    '-f',
    file(manifest('a').replace(/ {2}secret_access_key:\n.*\n/, '')),
  ]);
  expect(code).toBe(2);
  expect(stderr).toContain('m.yaml:5:1: `spec`: auth_mode inline needs access_key_id and secret_access_key');
  expect((await cli(['validate', '--local', '-f', file(manifest('refused'))])).code).toBe(0);
  expect(requests.length).toBe(asked);
});

test('explain describes kinds and fields', async () => {
  const { cli } = await start();
  expect((await cli(['explain', 'aws.spec.auth_mode'])).stdout).toContain(
    'inline               With an access key that secrets hold.',
  );
  expect((await cli(['explain', 'aws.spec'])).stdout).toMatch(/account_id +ValueOrVariable +required/);
  expect(await cli(['explain', 'aws.spec.regio'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('did you mean `region`?'),
  });
});
