import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { ConnectionService, type IssueCredentialsRequest } from '@planton/api/connect/v1/connection_service';
import { ConnectionSource } from '@planton/api/connect/v1/resolution';
import { describe, expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { Code, refusal, serve } from '../testing/serve.ts';
import { spawnCli } from '../testing/spawn-cli.ts';

const key = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  accountId: '123456789012',
  region: 'eu-west-1',
};

async function start(credentials: Partial<typeof key> & { sessionToken?: string; expireTime?: Date } = {}) {
  const issued: IssueCredentialsRequest[] = [];
  const { url } = await serve((router) =>
    router.service(ConnectionService, {
      issueCredentials(request) {
        const { connection } = request;
        issued.push(request);
        if (connection === 'runner-mode')
          throw refusal(Code.FailedPrecondition, 'credentials stay with the runner');
        const { expireTime, ...rest } = { ...key, ...credentials };
        if (expireTime) rest.accessKeyId = `ASIA${String(issued.length).padStart(16, '0')}`;
        const value = { ...rest, ...(expireTime ? { expireTime: timestampFromDate(expireTime) } : {}) };
        return {
          connection: connection || 'my-aws-connection',
          source: ConnectionSource.ORGANIZATION,
          credentials: { case: 'aws' as const, value },
        };
      },
    }),
  );
  const { cli, home, env } = cliAt(url);
  mkdirSync(`${home}/.aws`);
  mkdirSync(`${home}/tmp`);
  writeFileSync(
    `${home}/.aws/credentials`,
    '[default]\naws_access_key_id = AKIADECOYDECOYDECOY0\naws_secret_access_key = decoy\n',
  );
  const decoys = {
    ...env,
    PLANTON_ORG: 'acme',
    TMPDIR: `${home}/tmp`,
    AWS_ACCESS_KEY_ID: 'AKIADECOYDECOYDECOY0',
    AWS_SECRET_ACCESS_KEY: 'decoy-secret',
    AWS_SESSION_TOKEN: 'decoy-token',
    AWS_SECURITY_TOKEN: 'decoy-token',
    AWS_PROFILE: 'decoy',
    AWS_DEFAULT_PROFILE: 'decoy',
    AWS_ROLE_ARN: 'arn:aws:iam::999999999999:role/decoy',
    AWS_WEB_IDENTITY_TOKEN_FILE: '/decoy',
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/decoy',
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: '/decoy',
    AWS_SHARED_CREDENTIALS_FILE: `${home}/.aws/credentials`,
    AWS_CONFIG_FILE: '/decoy',
    AWS_REGION: 'decoy-1',
    AWS_BEARER_TOKEN_BEDROCK: 'decoy',
    AWS_SOMETHING_NEW: 'decoy',
    PLANTON_ACCESS_TOKEN: 'decoy',
    PLANTON_DATABASE_URL: 'decoy',
    AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9',
    AWS_CA_BUNDLE: '/ca.pem',
    OTHER: 'kept',
  };
  const script = (text: string) => {
    writeFileSync(`${home}/child.mjs`, text);
    return [process.execPath, `${home}/child.mjs`];
  };
  return {
    cli,
    home,
    issued,
    script,
    exec: (args: string[]) => spawnCli(['connection', 'exec', ...args], decoys),
  };
}

const printEnv = 'console.log(JSON.stringify(process.env));';
const environment = { env: { PLANTON_ORG: 'acme', PLANTON_ENV: 'production' } };

describe('connection credentials', () => {
  test('as a credential_process document, without a token or an end where there is none', async () => {
    const { cli, issued } = await start();
    const { stdout } = await cli(['connection', 'credentials', '-o', 'credential-process'], environment);
    expect(JSON.parse(stdout)).toEqual({
      Version: 1,
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
    });
    expect(issued[0]).toMatchObject({ environment: 'production', purpose: 'planton connection credentials' });
  });

  test('of a session as a credential_process document, with its end, by which tools ask again', async () => {
    const { cli } = await start({ sessionToken: 'session', expireTime: new Date('2026-03-01T13:00:00Z') });
    const { stdout } = await cli(['connection', 'credentials', '-o', 'credential-process'], environment);
    expect(JSON.parse(stdout)).toEqual({
      Version: 1,
      AccessKeyId: 'ASIA0000000000000001',
      SecretAccessKey: key.secretAccessKey,
      SessionToken: 'session',
      Expiration: '2026-03-01T13:00:00Z',
    });
  });

  test('live as long as they shall, and are scoped down by a policy', async () => {
    const { cli, home, issued } = await start();
    const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }] };
    writeFileSync(`${home}/policy.json`, JSON.stringify(policy, null, 8));
    const options = ['--duration', '1h30m', '--session-policy-file', `${home}/policy.json`];
    expect((await cli(['connection', 'credentials', ...options], environment)).code).toBe(0);
    expect((await cli(['connection', 'credentials'], environment)).code).toBe(0);
    expect(issued).toMatchObject([
      { duration: { seconds: 5400n }, sessionPolicy: JSON.stringify(policy) },
      { sessionPolicy: '' },
    ]);
    expect(issued[1]?.duration).toBeUndefined();
  });

  test.each([
    [['--duration', '14m59s'], '--duration is 15m to 12h'],
    [['--duration', '1d'], '--duration is 15m to 12h'],
    [['--duration', 'long'], 'that is no duration'],
    [['--session-policy-file', '/no/such/file'], 'there is no such file'],
    [['--session-policy-file', '/dev/null'], '/dev/null is empty'],
    [['--session-policy-file', '/dev/zero'], 'a session policy has at most 2048'],
  ])('%j is refused before the server is asked', async (options, message) => {
    const { cli, issued } = await start();
    for (const words of [
      ['credentials', ...options],
      ['exec', ...options, '--', 'true'],
    ]) {
      const { code, stdout, stderr } = await cli(['connection', ...words], environment);
      expect({ code, stdout, issued }).toEqual({ code: 2, stdout: '', issued: [] });
      expect(stderr).toContain(message);
    }
  });

  test('as lines that a shell evaluates, whatever is in them', async () => {
    const { cli } = await start({ sessionToken: "it's $HOME; `x`" });
    const { stdout } = await cli(['connection', 'credentials', '-o', 'env'], environment);
    const shell = spawnSync('sh', [
      '-c',
      `${stdout}\nprintf '%s|%s|%s' "$AWS_ACCESS_KEY_ID" "$AWS_SESSION_TOKEN" "$AWS_REGION"`,
    ]);
    expect(shell.stdout.toString()).toBe(`${key.accessKeyId}|it's $HOME; \`x\`|eu-west-1`);
  });

  test('as JSON in the manifest dialect', async () => {
    const { cli } = await start({ expireTime: new Date('2026-03-01T13:00:00Z') });
    expect(JSON.parse((await cli(['connection', 'credentials'], environment)).stdout)).toMatchObject({
      source: 'organization',
      aws: { access_key_id: 'ASIA0000000000000001', expire_time: '2026-03-01T13:00:00Z' },
    });
  });

  test('what the state forbids is exit code 5, with nothing on standard output', async () => {
    const { cli } = await start();
    const refused = await cli(['connection', 'credentials', '--connection', 'runner-mode'], environment);
    expect(refused).toMatchObject({ code: 5, stdout: '' });
  });
});

describe('connection exec', () => {
  test('the child can use these credentials and no others', async () => {
    const { exec, script, home, issued } = await start();
    const child = script(`
      import { readFileSync } from 'node:fs';
      const { env } = process;
      const ask = (headers, url = env.AWS_CONTAINER_CREDENTIALS_FULL_URI, method = 'GET') => fetch(url, { headers, method });
      const authorization = env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
      const good = await ask({ authorization });
      const document = await good.json();
      const statuses = [];
      statuses.push((await ask({})).status, (await ask({ authorization: authorization + 'x' })).status);
      statuses.push((await ask({ authorization }, env.AWS_CONTAINER_CREDENTIALS_FULL_URI + 'x')).status);
      statuses.push((await ask({ authorization }, undefined, 'POST')).status);
      const files = [env.AWS_SHARED_CREDENTIALS_FILE, env.AWS_CONFIG_FILE].map((path) => readFileSync(path, 'utf8'));
      console.log(JSON.stringify({ env, document, statuses, files }));`);
    const { code, stdout, stderr } = await exec(['--env', 'production', '--', ...child]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const seen = JSON.parse(stdout);
    expect(stdout).not.toMatch(/decoy|DECOY|test-key/);
    expect(seen.document).toMatchObject({
      AccessKeyId: key.accessKeyId,
      SecretAccessKey: key.secretAccessKey,
      Token: '',
    });
    const minutes = (Date.parse(seen.document.Expiration) - Date.now()) / 60_000;
    expect(minutes).toBeGreaterThan(10);
    expect(minutes).toBeLessThan(16);
    expect(seen.statuses).toEqual([401, 401, 404, 405]);
    expect(seen.files).toEqual(['', '[default]\nregion = eu-west-1\n']);
    expect(seen.env).toMatchObject({
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-1',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:9',
      AWS_CA_BUNDLE: '/ca.pem',
      OTHER: 'kept',
    });
    expect(seen.env.AWS_CONTAINER_CREDENTIALS_FULL_URI).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(seen.env.AWS_CONTAINER_AUTHORIZATION_TOKEN).toMatch(/^[\w-]{43}$/);
    expect(seen.env.AWS_ACCESS_KEY_ID).toBeUndefined();
    expect(existsSync(seen.env.AWS_CONFIG_FILE)).toBe(false);
    expect(issued).toMatchObject([{ environment: 'production', purpose: 'planton connection exec' }]);
    expect(spawnSync('ls', [`${home}/tmp`]).stdout.toString()).toBe('');
  });

  test('a session is renewed before it ends, as often as it takes, scoped as it was asked for', async () => {
    const { exec, script, home, issued } = await start({
      sessionToken: 'session',
      expireTime: new Date(Date.now() + 30_000),
    });
    writeFileSync(
      `${home}/policy.json`,
      '{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}',
    );
    const child = script(`
      const { env } = process;
      const headers = { authorization: env.AWS_CONTAINER_AUTHORIZATION_TOKEN };
      for (let time = 0; time < 3; time++) {
        const { AccessKeyId, Expiration } = await (await fetch(env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers })).json();
        console.log(AccessKeyId, Date.parse(Expiration) - Date.now() < 60_000);
      }`);
    const options = ['--duration', '15m', '--session-policy-file', `${home}/policy.json`];
    const { code, stdout, stderr } = await exec([...options, '--', ...child]).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const keys = [2, 3, 4].map((count) => `ASIA000000000000000${count} true\n`);
    expect(stdout).toBe(keys.join(''));
    expect(issued).toHaveLength(4);
    for (const request of issued)
      expect(request).toMatchObject({
        duration: { seconds: 900n },
        sessionPolicy: '{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}',
        purpose: 'planton connection exec',
      });
    expect(issued.slice(1).map(({ connection }) => connection)).toEqual(
      Array.from({ length: 3 }, () => 'my-aws-connection'),
    );
  });

  test('--inject env gives plain variables and no endpoint, and says when they end', async () => {
    const { exec, script } = await start({
      sessionToken: 'session',
      expireTime: new Date('2026-03-01T13:00:00Z'),
    });
    const { stdout, stderr } = await exec(['--inject', 'env', '--', ...script(printEnv)]).ended;
    expect(stderr).toBe('the credentials end at 2026-03-01T13:00:00.000Z and are not renewed\n');
    const env = JSON.parse(stdout);
    expect(env).toMatchObject({
      AWS_ACCESS_KEY_ID: 'ASIA0000000000000001',
      AWS_SECRET_ACCESS_KEY: key.secretAccessKey,
      AWS_SESSION_TOKEN: 'session',
      AWS_CREDENTIAL_EXPIRATION: '2026-03-01T13:00:00.000Z',
    });
    expect(env.AWS_CONTAINER_CREDENTIALS_FULL_URI).toBeUndefined();
    expect(stdout).not.toMatch(/decoy|DECOY|test-key/);
  });

  test.each([0, 1, 42, 255])('exit code %i is passed on', async (code) => {
    const { exec } = await start();
    expect((await exec(['--', 'sh', '-c', `exit ${code}`]).ended).code).toBe(code);
  });

  test('flags behind -- belong to the command', async () => {
    const { exec } = await start();
    expect((await exec(['--', 'echo', '--org', '-o', '--help']).ended).stdout).toBe('--org -o --help\n');
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)(
    '%s is passed on, and the answer of the child counts',
    async (signal) => {
      const { exec, script, home } = await start();
      const child = exec([
        '--',
        ...script(
          `process.on('${signal}', () => process.exit(9)); setInterval(() => {}, 1000); console.log('ready');`,
        ),
      ]);
      await child.printed('ready');
      child.kill(signal);
      expect(await child.ended).toMatchObject({ code: 9, signal: null });
      expect(spawnSync('ls', [`${home}/tmp`]).stdout.toString()).toBe('');
    },
  );

  test('a child that a signal ended is 128 + n', async () => {
    const { exec } = await start();
    expect((await exec(['--', 'sh', '-c', 'kill -KILL $$']).ended).code).toBe(137);
  });

  test('a missing command is 127, one that cannot run 126, and nothing is left behind', async () => {
    const { exec, home } = await start();
    const missing = await exec(['--', 'no-such-command']).ended;
    expect(missing.code).toBe(127);
    expect(missing.stderr).toBe(
      'error: no-such-command: there is no such command\nhint: is it installed and in PATH?\n',
    );
    expect((await exec(['--', `${home}/child.json`]).ended).code).toBe(127);
    writeFileSync(`${home}/child.json`, '{}');
    expect((await exec(['--', `${home}/child.json`]).ended).code).toBe(126);
    expect(spawnSync('ls', [`${home}/tmp`]).stdout.toString()).toBe('');
  });

  test('without credentials nothing runs', async () => {
    const { exec, home } = await start();
    const { code, stdout } = await exec(['--connection', 'runner-mode', '--', 'touch', `${home}/ran`]).ended;
    expect({ code, stdout, ran: existsSync(`${home}/ran`) }).toEqual({ code: 5, stdout: '', ran: false });
  });
});
