import { Identity } from '@planton/api/identity/v1/identity_service';
import { Role, SubjectKind } from '@planton/api/identity/v1/organization';
import { describe, expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { Code, refusal, serve } from '../testing/serve.ts';

const nowhere = 'http://127.0.0.1:1';

describe('usage', () => {
  test.each([[['version']], [['--version']], [['-V']]])('%j prints the version', async (args) => {
    expect(await cliAt(nowhere).cli(args)).toEqual({ code: 0, stdout: 'planton 0.1.0\n', stderr: '' });
  });

  test('help is data, and help instead of a command is an error', async () => {
    const { cli } = cliAt(nowhere);
    const asked = await cli(['--help']);
    expect(asked).toMatchObject({ code: 0, stderr: '' });
    expect(asked.stdout).toContain('Secrets and variables:');
    expect(await cli([])).toMatchObject({ code: 2, stdout: '' });
    expect(await cli(['secret'])).toMatchObject({ code: 2, stdout: '' });
    expect((await cli(['help', 'secret'])).stdout).toContain('undelete');
    expect((await cli(['secret', 'set', '--help'])).stdout).toContain('--from-file');
  });

  test.each([
    [['secrt'], "unknown command 'secrt'", 'did you mean secret?'],
    [['secret', 'lst'], "unknown command 'lst'", 'did you mean list?'],
    [['secret', 'list', '--evn', 'a'], "unknown option '--evn'", 'did you mean --env?'],
    [['secret', 'get'], "missing required argument 'slug'", '--help'],
    [['secret', 'list', '-o', 'xml'], 'Allowed choices are table, json, yaml', '--help'],
    [['secret', 'rollback', 'a', '--version', '0'], 'whole number from 1', '--help'],
    [['--org', '', 'secret', 'list'], '--org is empty', 'leave --org out'],
    [['connection', 'resolve', '--connection', ''], '--connection is empty', 'leave --connection out'],
    [['runner', 'revoke', 'a', '--yes', '--instance', ''], '--instance is empty', 'the variable'],
    [['runner', 'revoke', 'a'], 'cannot be undone', '--yes'],
    [['operation', 'list', '--state', 'gone'], 'Allowed choices are queued', '--help'],
    [['connection', 'exec', '--connection', '', '--', 'true'], '--connection is empty', 'the variable'],
    [['apply'], "required option '-f, --filename <path...>' not specified", '--help'],
    [
      ['auth', 'login'],
      'there is no browser to sign in with: nobody sits at a terminal',
      'planton auth login --api-key-file PATH',
    ],
    [['get', 'awz'], 'unknown kind awz', 'the kinds are AwsProviderConnection'],
    [['get', 'AwsProvidrConnection'], 'unknown kind', 'did you mean `AwsProviderConnection`?'],
    [['secret', 'get', 'a', '--key', 'b'], '--key, --version and --purpose go with --reveal', '--reveal'],
    [['context', 'set'], 'nothing to set', '--org'],
    [['context', 'set', '--org', 'A b'], '--org takes a slug', 'lowercase'],
    [['--server', 'ftp://x', 'org', 'list'], 'http or https', ''],
    [['api-key', 'create', '--name', 'a', '--expires', 'soon'], 'that is no duration', '90d'],
  ])('%j is refused with exit code 2', async (args, message, hint) => {
    const { code, stdout, stderr } = await cliAt(nowhere).cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^error: .*\nhint: .*\n$/);
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });

  test('colour goes to a person at a terminal who wants it', async () => {
    const { cli } = cliAt(nowhere);
    expect((await cli(['org', 'list'], { interactive: true })).stderr).toContain('\u001b[31merror:');
    expect((await cli(['org', 'list'], { interactive: true, env: { NO_COLOR: '1' } })).stderr).not.toContain(
      '\u001b',
    );
  });
});

describe('a server that cannot be reached', () => {
  test('is unavailable, and the hint says how to start one', async () => {
    const { code, stderr } = await cliAt(nowhere).cli(['org', 'list']);
    expect(code).toBe(7);
    expect(stderr).toContain('error: cannot reach the server at http://127.0.0.1:1: nothing listens there');
    expect(stderr).toContain('planton server start');
  });

  test('nothing is sent without a key', async () => {
    const { url, requests } = await serve(() => undefined);
    const { code, stderr } = await cliAt(url, { signedIn: false }).cli(['org', 'list']);
    expect({ code, requests }).toEqual({ code: 4, requests: [] });
    expect(stderr).toContain(`error: not signed in to ${url}\nhint: sign in with`);
  });
});

describe('what the server refuses', () => {
  test.each([
    [Code.InvalidArgument, 2],
    [Code.NotFound, 3],
    [Code.Unauthenticated, 4],
    [Code.PermissionDenied, 4],
    [Code.FailedPrecondition, 5],
    [Code.Aborted, 5],
    [Code.AlreadyExists, 5],
    [Code.Unavailable, 7],
    [Code.Internal, 1],
    [Code.ResourceExhausted, 1],
  ])('code %i ends with exit code %i, its message and its hint', async (code, exitCode) => {
    const { url } = await serve((router) =>
      router.service(Identity, {
        listOrganizations() {
          throw refusal(code, 'no\u001b[2J way', { hint: 'planton org create SLUG', violations: [] });
        },
      }),
    );
    expect(await cliAt(url).cli(['org', 'list'])).toEqual({
      code: exitCode,
      stdout: '',
      stderr: 'error: no\\u001b[2J way\nhint: planton org create SLUG\n',
    });
  });

  test('violations are listed', async () => {
    const { url } = await serve((router) =>
      router.service(Identity, {
        createOrganization() {
          const violations = [{ field: 'slug', message: 'is taken' }];
          throw refusal(Code.InvalidArgument, 'invalid', { violations: violations as never });
        },
      }),
    );
    expect((await cliAt(url).cli(['org', 'create', 'a'])).stderr).toBe(
      'error: invalid\n  slug: is taken\nhint: see how it is used with --help\n',
    );
  });

  test('a server that is none of ours is said to be so', async () => {
    const { url } = await serve(() => undefined);
    const { code, stderr } = await cliAt(url).cli(['org', 'list']);
    expect(code).toBe(1);
    expect(stderr).toContain('is PLANTON_SERVER a Planton server');
  });
});

const organization = (slug: string) => ({ uid: slug, slug, name: slug, role: Role.OWNER });

describe('the organisation', () => {
  const members = async (slugs: string[]) => {
    const asked: string[] = [];
    const { url } = await serve((router) =>
      router.service(Identity, {
        listOrganizations: () => ({ organizations: slugs.map(organization) }),
        createOrganization: ({ slug }) => ({ organization: organization(slug) }),
        listEnvironments({ org }) {
          asked.push(org);
          return { environments: [{ uid: '1', slug: 'production', org }] };
        },
      }),
    );
    return { ...cliAt(url), asked };
  };

  test('is the only one that is visible', async () => {
    const { cli, asked } = await members(['acme']);
    expect((await cli(['env', 'list'])).stdout).toMatch(
      /^SLUG +ORGANISATION +CREATED\nproduction +acme +-\n$/,
    );
    expect(asked).toEqual(['acme']);
  });

  test('has to be chosen among several, and flag wins over variable over context', async () => {
    const { cli, asked } = await members(['acme', 'beta']);
    const { code, stderr } = await cli(['env', 'list']);
    expect(code).toBe(2);
    expect(stderr).toContain(
      'You are a member of acme, beta\nhint: choose one with: planton context set --org SLUG',
    );

    await cli(['context', 'set', '--org', 'from-context']);
    await cli(['env', 'list']);
    await cli(['env', 'list'], { env: { PLANTON_ORG: 'from-variable' } });
    await cli(['env', 'list', '--org', 'from-flag'], { env: { PLANTON_ORG: 'from-variable' } });
    await cli(['--org', 'from-flag', 'env', 'list']);
    expect(asked).toEqual(['from-context', 'from-variable', 'from-flag', 'from-flag']);
  });

  test('none is not found', async () => {
    const { cli } = await members([]);
    expect(await cli(['env', 'list'])).toMatchObject({ code: 3 });
  });

  test('that is created first becomes the context', async () => {
    const { cli } = await members(['acme', 'beta']);
    expect((await cli(['org', 'create', 'first'])).stderr).toContain(
      'first is the organisation of your context now',
    );
    expect((await cli(['org', 'create', 'second'])).stderr).toBe('');
    expect(JSON.parse((await cli(['context', 'get', '-o', 'json'])).stdout)).toMatchObject({
      org: 'first',
      env: '',
    });
  });
});

describe('signing in', () => {
  const identity = async () => {
    const { url, requests } = await serve((router) =>
      router.service(Identity, {
        whoAmI(_, { requestHeader }) {
          if (requestHeader.get('authorization') !== 'Bearer good-key')
            throw refusal(Code.Unauthenticated, 'the API key is not valid');
          return {
            subjectUid: '1',
            kind: SubjectKind.USER,
            name: 'Ada',
            instanceOwner: true,
            organizations: [organization('acme')],
          };
        },
      }),
    );
    return { ...cliAt(url, { signedIn: false }), url, requests };
  };

  test('checks the key, then stores it for this server alone, readable by its owner alone', async () => {
    const { stat, readFile, readdir } = await import('node:fs/promises');
    const { cli, home, url } = await identity();
    expect((await cli(['auth', 'login', '--api-key', 'good-key'])).stderr).toBe(
      `signed in to ${url} as Ada\n`,
    );
    expect((await stat(`${home}/config`)).mode & 0o777).toBe(0o700);
    expect((await stat(`${home}/config/credentials.json`)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(`${home}/config/credentials.json`, 'utf8'))).toEqual({
      servers: { [url]: 'good-key' },
    });
    expect(await readdir(`${home}/config`)).toEqual(['credentials.json']);

    const me = await cli(['auth', 'whoami']);
    expect(me.stdout).toContain(`Ada (user, owner of this server) at ${url}`);
    expect(me.stdout).toContain('acme          owner');
    expect((await cli(['auth', 'whoami'], { env: { PLANTON_SERVER: nowhere } })).code).toBe(4);

    expect((await cli(['auth', 'logout'])).stderr).toBe(`signed out of ${url}\n`);
    expect((await cli(['auth', 'whoami'])).code).toBe(4);
    expect((await cli(['auth', 'logout'])).code).toBe(0);
  });

  test('reads the key from standard input or a file', async () => {
    const { writeFile } = await import('node:fs/promises');
    const { cli, home } = await identity();
    expect((await cli(['auth', 'login', '--api-key', '-'], { stdin: 'good-key\n' })).code).toBe(0);
    await writeFile(`${home}/key`, ' good-key\n');
    expect((await cli(['auth', 'login', '--api-key-file', `${home}/key`])).code).toBe(0);
    expect((await cli(['auth', 'login', '--api-key-file', `${home}/nothing`])).stderr).toContain(
      'there is no such file',
    );
  });

  test('a key that is refused is not stored and not shown', async () => {
    const { existsSync } = await import('node:fs');
    const { cli, home } = await identity();
    const { code, stderr } = await cli(['auth', 'login', '--api-key', 'bad-key']);
    expect(code).toBe(4);
    expect(stderr).toContain('error: the API key is not valid');
    expect(stderr).not.toContain('bad-key');
    expect(existsSync(`${home}/config/credentials.json`)).toBe(false);
    const pasted = await cli(['auth', 'login', '--api-key', 'two words']);
    expect(pasted).toMatchObject({ code: 2 });
    expect(pasted.stderr).not.toContain('two words');
  });

  test('damaged files are named, not repeated', async () => {
    const { mkdir, writeFile } = await import('node:fs/promises');
    const { cli, home } = await identity();
    await mkdir(`${home}/config`);
    await writeFile(`${home}/config/credentials.json`, '{"servers": {"x": "sesame');
    const { code, stderr } = await cli(['auth', 'whoami']);
    expect(code).toBe(1);
    expect(stderr).toContain('credentials.json is damaged');
    expect(stderr).not.toContain('sesame');
  });
});
