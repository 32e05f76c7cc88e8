import { writeFileSync } from 'node:fs';
import { ConfigManager, type SetSecretRequest } from '@planton/api/config/v1/config_manager_service';
import { describe, expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { Code, refusal, serve } from '../testing/serve.ts';

const secret = (slug: string, keys: string[] = ['value']) => ({ slug, keys, org: 'acme', currentVersion: 2 });

async function configManager() {
  const set: SetSecretRequest[] = [];
  const { url, requests } = await serve((router) =>
    router.service(ConfigManager, {
      setSecret(request) {
        set.push(request);
        return { secret: secret(request.slug, Object.keys(request.entries)), changed: true };
      },
      getSecret: ({ slug }) => ({
        secret: { ...secret(slug), ownerKind: slug === 'external-id' ? 'AwsProviderConnection' : '' },
      }),
      listSecrets: ({ pageToken }) =>
        pageToken === ''
          ? { secrets: [secret('a')], nextPageToken: 'next' }
          : { secrets: [secret('b', ['x', 'y'])] },
      accessSecret: ({ keys }) => ({
        version: 2,
        entries: Object.fromEntries(keys.filter((key) => key !== 'gone').map((key) => [key, `${key}\n`])),
      }),
      deleteSecret() {
        throw refusal(
          Code.FailedPrecondition,
          'secret a is in use by AwsProviderConnection my-aws-connection',
          {
            hint: 'planton secret usages a',
          },
        );
      },
      listUsages: ({ target }) => ({
        usages: [
          { owner: { kind: String(target.case), uid: '1', slug: String(target.value) }, confirmed: true },
        ],
      }),
    }),
  );
  const { cli, home } = cliAt(url);
  const acme = (args: string[], stdin?: string) =>
    cli(args, { env: { PLANTON_ORG: 'acme', PLANTON_ENV: 'production' }, ...(stdin ? { stdin } : {}) });
  return { cli: acme, home, set, requests };
}

describe('secret set', () => {
  test('takes the line of the tutorial, at the organisation level whatever the environment of the context', async () => {
    const { cli, set } = await configManager();
    const { code, stdout, stderr } = await cli(['secret', 'set', 'aws-access-key-id', 'value=AKIA=EXAMPLE']);
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: '',
      stderr: 'secret aws-access-key-id set (version 2)\n',
    });
    expect(set).toMatchObject([
      {
        org: 'acme',
        environment: '',
        slug: 'aws-access-key-id',
        entries: { value: 'AKIA=EXAMPLE' },
        merge: false,
      },
    ]);
  });

  test('takes entries from arguments, files, standard input and chance', async () => {
    const { cli, set, home } = await configManager();
    writeFileSync(`${home}/pem`, 'line\n');
    await cli(
      [
        'secret',
        'set',
        's',
        'a=',
        '--from-file',
        `b=${home}/pem`,
        '--stdin',
        'c',
        '--generate',
        'd',
        '--merge',
        '--env',
        'dev',
      ],
      'piped\n',
    );
    expect(set[0]).toMatchObject({
      environment: 'dev',
      merge: true,
      entries: { a: '', b: 'line\n', c: 'piped' },
    });
    expect(set[0]?.entries.d).toMatch(/^[\w-]{43}$/);
  });

  test.each([
    [['sesame'], 'an entry is written key=value'],
    [['=sesame'], 'an entry is written key=value'],
    [['a b=sesame'], 'an entry is written key=value'],
    [['__proto__=sesame'], 'an entry is written key=value'],
    [['a=1', 'a=sesame'], 'the key a is given twice'],
    [[], 'nothing to set'],
    [['--from-file', 'a=/nothing/here'], 'there is no such file'],
    [['--from-file', 'sesame'], '--from-file takes key=PATH'],
    [[`a=${'x'.repeat(65_537)}`], 'the value of a is larger than 64 KiB'],
    [['--from-file', 'a=/dev/zero'], 'the value of a is larger than 64 KiB'],
  ])('%j is refused before anything is sent, and not repeated', async (entries, message) => {
    const { cli, requests } = await configManager();
    const { code, stderr } = await cli(['secret', 'set', 's', ...entries]);
    expect({ code, requests }).toEqual({ code: 2, requests: [] });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('sesame');
  });

  test('what is no text is refused', async () => {
    const { cli, home } = await configManager();
    writeFileSync(`${home}/binary`, Buffer.from([0xff, 0xfe]));
    expect((await cli(['secret', 'set', 's', '--from-file', `a=${home}/binary`])).stderr).toContain(
      'is not UTF-8 text',
    );
  });
});

test('secret get describes, and reveals exactly one value where asked to', async () => {
  const { cli } = await configManager();
  expect((await cli(['secret', 'get', 'a'])).stdout).toMatch(/^SLUG +KEYS/);
  expect(JSON.parse((await cli(['secret', 'get', 'a', '-o', 'json'])).stdout)).toEqual({
    slug: 'a',
    org: 'acme',
    current_version: 2,
    keys: ['value'],
  });
  expect(await cli(['secret', 'get', 'a', '--key', 'value', '--reveal'])).toEqual({
    code: 0,
    stdout: 'value\n',
    stderr: '',
  });
  expect(await cli(['secret', 'get', 'a', '--key', 'gone', '--reveal'])).toMatchObject({
    code: 3,
    stdout: '',
  });
  expect(await cli(['secret', 'get', 'a', '--reveal'])).toMatchObject({ code: 2, stdout: '' });
});

test('secret get says whether the server keeps the secret for something', async () => {
  const { cli } = await configManager();
  const { stdout } = await cli(['secret', 'get', 'external-id']);
  const [headings = '', row = ''] = stdout.split('\n');
  expect(row.slice(headings.indexOf('OWNER'))).toMatch(/^AwsProviderConnection\b/);
  expect((await cli(['secret', 'get', 'external-id', '-o', 'yaml'])).stdout).toContain(
    'owner_kind: AwsProviderConnection',
  );
  const [, people = ''] = (await cli(['secret', 'get', 'a'])).stdout.split('\n');
  expect(people).not.toContain('AwsProviderConnection');
});

test('secret list reads every page', async () => {
  const { cli } = await configManager();
  expect((await cli(['secret', 'list', '-o', 'yaml'])).stdout).toContain('slug: b');
  expect((await cli(['secret', 'list'])).stdout.split('\n')).toHaveLength(4);
});

test('what is in use is not deleted, without a question', async () => {
  const { cli } = await configManager();
  const { code, stderr } = await cli(['secret', 'delete', 'a']);
  expect(code).toBe(5);
  expect(stderr).toBe(
    'error: secret a is in use by AwsProviderConnection my-aws-connection\nhint: planton secret usages a\n',
  );
});

test.each(['secret', 'variable'])('%s usages names what refers to it', async (noun) => {
  const { cli } = await configManager();
  expect((await cli([noun, 'usages', 'a'])).stdout).toContain(`${noun}`);
});

test('at a terminal a deletion is asked for, and no is an answer', async () => {
  const { url } = await serve((router) => router.service(ConfigManager, { deleteSecret: () => ({}) }));
  const { cli } = cliAt(url);
  const env = { PLANTON_ORG: 'acme' };
  expect(await cli(['secret', 'delete', 'a'], { env, interactive: true, stdin: 'n\n' })).toMatchObject({
    code: 1,
  });
  expect(await cli(['secret', 'delete', 'a'], { env, interactive: true, stdin: 'y\n' })).toMatchObject({
    code: 0,
  });
  expect(await cli(['secret', 'delete', 'a', '--yes'], { env, interactive: true })).toMatchObject({
    code: 0,
  });
});
