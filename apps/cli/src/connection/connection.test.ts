import { expect, test } from 'vitest';
import { connectionService } from '../testing/connections.ts';
import { cliAt } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

async function start() {
  const service = connectionService();
  const { url } = await serve(service.routes);
  const { cli } = cliAt(url);
  const acme = (args: string[], env: Record<string, string> = {}) =>
    cli(args, { env: { PLANTON_ORG: 'acme', ...env } });
  await cli(['apply', '-f', '-'], { env: { PLANTON_ORG: 'acme' }, stdin: connection });
  return { ...service, cli: acme };
}

const connection = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata: {name: my-aws-connection}
spec:
  account_id: {value: "123456789012"}
  region: {value: us-west-2}
  access_key_id: {secret: a}
  secret_access_key: {secret: b}
`;

test('resolve prints the connection and its source', async () => {
  const { cli } = await start();
  expect(
    JSON.parse((await cli(['connection', 'resolve', '--provider', 'aws', '-o', 'json'])).stdout),
  ).toMatchObject({
    connection: 'my-aws-connection',
    source: 'organization',
  });
  const explained = await cli(['connection', 'resolve', '--connection', 'other', '--explain']);
  expect(explained.stdout).toContain('other       aws       explicit  1');
  expect(explained.stdout).toContain('organization  selected  my-aws-connection  the default');
});

test('resolve explains a failure level by level', async () => {
  const { cli } = await start();
  const { code, stdout, stderr } = await cli(['connection', 'resolve', '--env', 'empty', '--explain']);
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toMatch(
    /^LEVEL +EXPLANATION\nenvironment +empty has no default\norganization +acme has no default\nerror: no connection applies/,
  );
  expect(stderr).toContain('hint: planton connection default set --connection NAME');
});

test('the environment of context and variable applies to resolve, and to no write or list', async () => {
  const { cli, resolved, defaults } = await start();
  await cli(['context', 'set', '--env', 'from-context']);
  await cli(['connection', 'resolve']);
  await cli(['connection', 'resolve'], { PLANTON_ENV: 'from-variable' });
  await cli(['connection', 'resolve', '--env', 'typed'], { PLANTON_ENV: 'from-variable' });
  await cli(['connection', 'resolve', '--env', ''], { PLANTON_ENV: 'from-variable' });
  expect(resolved.map(({ environment }) => environment)).toEqual([
    'from-context',
    'from-variable',
    'typed',
    '',
  ]);
  await cli(['connection', 'default', 'set', '--provider', 'aws', '--connection', 'my-aws-connection'], {
    PLANTON_ENV: 'from-variable',
  });
  expect(defaults[0]?.spec?.environment).toBe('');
});

test('defaults are set, with the provider of the connection, shown and removed', async () => {
  const { cli, defaults } = await start();
  const set = await cli([
    'connection',
    'default',
    'set',
    '--connection',
    'my-aws-connection',
    '--env',
    'production',
  ]);
  expect(set.stderr).toBe('my-aws-connection is the default now for aws in environment production\n');
  expect(defaults[0]).toMatchObject({
    apiVersion: 'connect.planton.ai/v1',
    spec: { provider: 'aws', environment: 'production' },
  });
  expect((await cli(['connection', 'default', 'list'])).stdout).toContain(
    'aws       environment production  my-aws-connection',
  );
  expect((await cli(['connection', 'default', 'get'])).code).toBe(3);
  expect((await cli(['connection', 'default', 'get', '--env', 'production'])).code).toBe(0);
  expect((await cli(['connection', 'default', 'unset', '--env', 'production'])).stderr).toContain(
    'aws has no default',
  );
});

test('authorisations say where a connection may be used', async () => {
  const { cli, authorizations } = await start();
  const set = [
    'connection',
    'authorization',
    'set',
    '--provider',
    'aws',
    '--connection',
    'my-aws-connection',
    '--scope',
  ];
  expect((await cli([...set, 'environment'])).code).toBe(2);
  expect((await cli([...set, 'organization', '--environments', 'a'])).code).toBe(2);
  expect((await cli([...set, 'everywhere'])).code).toBe(2);
  expect((await cli([...set, 'environment', '--environments', 'production, staging'])).stderr).toBe(
    'my-aws-connection may be used in production, staging\n',
  );
  expect((await cli([...set, 'environment', '--environments', ''])).stderr).toContain('in no environment');
  expect(authorizations.map(({ spec }) => spec?.environments)).toEqual([['production', 'staging'], []]);
  expect((await cli(['connection', 'authorization', 'list'])).stdout).toContain('production, staging');
  expect(
    (await cli(['connection', 'authorization', 'delete', '--connection', 'my-aws-connection'])).stderr,
  ).toContain('warning:');
});

test('list shows every provider in one table', async () => {
  const { cli } = await start();
  expect((await cli(['connection', 'list'])).stdout).toMatch(/^NAME +PROVIDER.*\nmy-aws-connection +aws/);
  expect(JSON.parse((await cli(['connection', 'list', '-o', 'json'])).stdout)).toHaveLength(1);
});
