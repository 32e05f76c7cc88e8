import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialsFile, EnrolmentError, writeCredentials } from '@planton/enrolment';
import { createTestAuthority, makeCredentials } from '@planton/enrolment/testing';
import { SettingsRefused } from '@planton/rpc';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { chooseCredentials } from './choose-credentials.ts';
import { readSettings, usage } from './read-settings.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'planton-settings-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

describe('settings', () => {
  test('have defaults', () => {
    expect(readSettings([], { HOME: '/home/me' })).toEqual({
      server: 'http://127.0.0.1:8080',
      configHome: '/home/me/.planton',
      maxInFlight: 16,
      logLevel: 'info',
      ephemeral: false,
      platform: false,
    });
  });

  test('flags win over the environment', () => {
    const env = {
      PLANTON_SERVER: 'http://env',
      PLANTON_ORG: 'env',
      PLANTON_RUNNER_CREDENTIALS_FILE: '/env',
      PLANTON_MAX_IN_FLIGHT: '1',
      PLANTON_HEALTH_LISTEN: 'env:1',
      PLANTON_LOG_LEVEL: 'warn',
      PLANTON_CONFIG_HOME: '/config',
      PLANTON_RUNNER_TOKEN: ' token\n',
    };
    expect(readSettings(['name'], env)).toEqual({
      name: 'name',
      server: 'http://env',
      org: 'env',
      credentialsFile: '/env',
      maxInFlight: 1,
      healthListen: 'env:1',
      logLevel: 'warn',
      configHome: '/config',
      token: 'token',
      ephemeral: false,
      platform: false,
    });
    const flags =
      '--server http://flag --org flag --credentials-file /flag --max-in-flight 2 --health-listen flag:2';
    expect(readSettings([...flags.split(' '), '--log-level', 'error'], env)).toMatchObject({
      server: 'http://flag',
      org: 'flag',
      credentialsFile: '/flag',
      maxInFlight: 2,
      healthListen: 'flag:2',
      logLevel: 'error',
    });
  });

  test.each([
    [['--nonsense'], 'planton runner start --help'],
    [['--max-in-flight', '0'], '--max-in-flight takes 1 to 1000'],
    [['--max-in-flight', '1001'], '--max-in-flight takes 1 to 1000'],
    [['--max-in-flight', '1e2'], '--max-in-flight takes 1 to 1000'],
    [['--log-level', 'loud'], '--log-level takes'],
    [['one', 'two'], 'planton runner start --help'],
    [['--ephemeral'], 'planton runner token create'],
  ])('%j is refused', (argv, hint) => {
    try {
      readSettings(argv, {});
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsRefused);
      expect((error as SettingsRefused).hint).toContain(hint);
    }
  });

  test('a token is never an argument', () => {
    expect(() => readSettings(['--token', 'secret'], {})).toThrow(SettingsRefused);
    expect(usage).toContain('PLANTON_RUNNER_TOKEN');
  });
});

describe('choosing credentials', () => {
  const make = async (org: string, runner: string) => {
    const credentials = { ...(await makeCredentials(await createTestAuthority())), org, runner };
    const file = credentialsFile(home, org, runner);
    await writeCredentials(file, credentials);
    return { file, credentials };
  };
  const choose = async (argv: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
    chooseCredentials(readSettings(argv, { PLANTON_CONFIG_HOME: home, ...env }));

  test('takes the only ones that there are', async () => {
    const made = await make('acme', 'my-aws-runner');
    expect(await choose()).toEqual(made);
    expect(await choose(['my-aws-runner'])).toEqual(made);
    expect(await choose(['My AWS Runner'])).toEqual(made);
    expect(await choose([], { PLANTON_ORG: 'another' })).toEqual(made);
  });

  test('takes the file that the flag names, then the one of the variable', async () => {
    const [one, other] = [await make('acme', 'one'), await make('acme', 'other')];
    expect(await choose(['--credentials-file', other.file])).toEqual(other);
    expect(await choose([], { PLANTON_RUNNER_CREDENTIALS_FILE: one.file })).toEqual(one);
    const both = await choose(['--credentials-file', other.file], {
      PLANTON_RUNNER_CREDENTIALS_FILE: one.file,
    });
    expect(both).toEqual(other);
  });

  test('lists what there is where several fit', async () => {
    const files = [await make('acme', 'one'), await make('acme', 'other'), await make('zoo', 'one')];
    const all = await choose().catch((error: unknown) => error);
    expect(all).toBeInstanceOf(SettingsRefused);
    for (const { file } of files) expect(String(all)).toContain(file);
    const named = await choose(['one']).catch((error: unknown) => error);
    expect(String(named)).toContain('one of acme');
    expect(String(named)).toContain('one of zoo');
    expect(String(named)).not.toContain('other');
    expect(await choose(['one', '--org', 'zoo'])).toEqual(files[2]);
    expect(await choose(['other'])).toEqual(files[1]);
    expect(await choose(['one'], { PLANTON_RUNNER_TOKEN: 't', PLANTON_ORG: 'acme' })).toEqual(files[0]);
  });

  test('refuses a file of another runner than the one that is named', async () => {
    const { file } = await make('acme', 'one');
    await expect(choose(['other', '--credentials-file', file])).rejects.toThrow(SettingsRefused);
  });

  test('says how to get some where there are none', async () => {
    await expect(choose()).rejects.toMatchObject({
      reason: 'CREDENTIALS_MISSING',
      message: expect.stringContaining(home),
    });
    await make('acme', 'one');
    await expect(choose(['other'])).rejects.toMatchObject({
      reason: 'CREDENTIALS_MISSING',
      hint: expect.stringContaining('planton runner register --name other --yes'),
    });
    await expect(choose(['--credentials-file', join(home, 'nothing')])).rejects.toBeInstanceOf(
      EnrolmentError,
    );
  });

  test('leaves it to a token where there are none yet', async () => {
    const env = { PLANTON_RUNNER_TOKEN: 'token' };
    expect(await choose([], env)).toEqual({});
    const file = join(home, 'elsewhere', 'credentials.json');
    expect(await choose(['--credentials-file', file], env)).toEqual({ file });
  });

  test('an ephemeral runner looks for none', async () => {
    await make('acme', 'one');
    const env = { PLANTON_RUNNER_TOKEN: 'token', PLANTON_RUNNER_EPHEMERAL: 'true' };
    expect(await choose([], env)).toEqual({});
    await expect(choose([], { ...env, PLANTON_RUNNER_EPHEMERAL: 'yes' })).rejects.toThrow(
      'neither true nor false',
    );
    expect((await choose([], { ...env, PLANTON_RUNNER_EPHEMERAL: 'false' })).credentials).toBeDefined();
  });

  test('a token does not hide credentials that cannot be used', async () => {
    const { file } = await make('acme', 'one');
    chmodSync(file, 0o644);
    await expect(choose([], { PLANTON_RUNNER_TOKEN: 'token' })).rejects.toMatchObject({
      reason: 'CREDENTIALS_EXPOSED',
    });
  });
});
