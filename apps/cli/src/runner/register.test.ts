import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RunnerInstanceState } from '@planton/api/runner/v1/runner';
import { describe, expect, test } from 'vitest';
import { cliAt, type Setting } from '../testing/run-cli.ts';
import { runnerService } from '../testing/runners.ts';
import { Code, refusal, serve } from '../testing/serve.ts';

async function start() {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  const { cli, home } = cliAt(url);
  const register = (args: string[], setting: Setting = {}) =>
    cli(['runner', 'register', ...args], { ...setting, env: { PLANTON_ORG: 'acme', ...setting.env } });
  const file = join(home, 'config/org/acme/runner/my-aws-runner/credentials.json');
  return { service, register, file, home, url };
}

const named = ['--name', 'my-aws-runner'];
const readJson = (file: string) => JSON.parse(readFileSync(file, 'utf8'));

describe('without a terminal', () => {
  test('the runner is registered, and the commands that make its credentials are named', async () => {
    const { service, register, file, url } = await start();
    const { code, stdout, stderr } = await register(named);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toMatch(/^runner my-aws-runner registered in acme\n/);
    expect(stderr).toContain('  planton runner register --name my-aws-runner --yes\n');
    expect(stderr).toContain('  planton runner token create my-aws-runner\n');
    expect(stderr).toContain(`  PLANTON_SERVER=${url} PLANTON_RUNNER_TOKEN=… planton runner start\n`);
    expect([...service.runners.keys()]).toEqual(['my-aws-runner']);
    expect({ asked: service.asked.tokens, exists: existsSync(file) }).toEqual({ asked: [], exists: false });
  });

  test('the commands that are named repeat what was typed, quoted for a shell', async () => {
    const { register } = await start();
    const { stderr } = await register(['--name', "Ada's runner", '--org', 'acme', '--output-dir', '/x y']);
    expect(stderr).toContain(
      `planton runner register --name 'Ada'\\''s runner' --yes --org acme --output-dir '/x y'\n`,
    );
  });

  test('--yes makes credentials: the key here, the certificate there, for a token of one use', async () => {
    const { service, register, file } = await start();
    const { code, stdout, stderr } = await register([...named, '--yes']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toBe(
      [
        'runner my-aws-runner registered in acme',
        `credentials written to ${file}, which only you can read`,
        'start the runner with: planton runner start\n',
      ].join('\n'),
    );
    const credentials = readJson(file);
    expect(credentials).toMatchObject({ org: 'acme', runner: 'my-aws-runner', generation: 1 });
    const key = createPrivateKey(credentials.privateKey);
    expect(new X509Certificate(credentials.certificate).checkPrivateKey(key)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(service.asked.tokens).toMatchObject([{ useLimit: 1, lifetime: { seconds: 600n } }]);
    const [enrolment] = service.asked.enrolments;
    expect(enrolment).toMatchObject({ ephemeral: false, authorization: null });
    expect(enrolment?.certificateRequest).not.toContain('PRIVATE KEY');
    expect(stderr).not.toContain('planton_runner_');
  });

  test('credentials of the runner that are there are kept', async () => {
    const { service, register, file } = await start();
    await register([...named, '--yes']);
    const before = readFileSync(file, 'utf8');
    for (const args of [named, [...named, '--yes']]) {
      const { code, stderr } = await register(args);
      expect(code).toBe(0);
      expect(stderr).toContain('runner my-aws-runner is registered already in acme\n');
      expect(stderr).toContain(`${file} holds credentials of this runner already`);
      expect(stderr).toContain('they were kept\nstart the runner with: planton runner start\n');
    }
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(service.asked.enrolments).toHaveLength(1);
  });

  test.each([
    ['revoked', 'were revoked'],
    ['locked', 'are locked'],
    ['deleted', 'of a runner that was deleted'],
  ])('credentials that were %s are kept, and the exit code is 5', async (fate, message) => {
    const { service, register, file } = await start();
    await register([...named, '--yes']);
    const instance = service.instances.get('my-aws-runner')?.[0];
    if (fate === 'deleted') service.instances.delete('my-aws-runner');
    else if (instance)
      instance.state = fate === 'locked' ? RunnerInstanceState.LOCKED : RunnerInstanceState.REVOKED;
    const before = readFileSync(file, 'utf8');
    const { code, stderr } = await register([...named, '--yes']);
    expect(code).toBe(5);
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\nerror: no credentials were made, and .* was kept\nhint: move that file away/);
    expect(readFileSync(file, 'utf8')).toBe(before);

    const asked = await register(named);
    expect(asked.code).toBe(0);
    expect(asked.stderr).toContain(`move ${file} away first\n`);
  });

  test('what is no credentials file, or that of another runner, is not overwritten', async () => {
    const { register, home } = await start();
    const folder = join(home, 'out');
    mkdirSync(folder);
    writeFileSync(join(folder, 'credentials.json'), '{"sesame": 1}', { mode: 0o600 });
    const damaged = await register([...named, '--yes', '--output-dir', folder]);
    expect(damaged.code).toBe(5);
    expect(damaged.stderr).toContain('holds no usable credentials');
    expect(readFileSync(join(folder, 'credentials.json'), 'utf8')).toBe('{"sesame": 1}');

    const shared = join(home, 'shared');
    await register(['--name', 'other', '--yes', '--output-dir', shared]);
    const { code, stderr } = await register([...named, '--yes', '--output-dir', shared]);
    expect(code).toBe(5);
    expect(stderr).toContain('holds the credentials of another, runner other of acme');
    expect(readJson(join(shared, 'credentials.json')).runner).toBe('other');
  });

  test('--output-dir takes the credentials elsewhere, and the command to start names them', async () => {
    const { register, home, file } = await start();
    const { code, stderr } = await register([...named, '--yes', '--output-dir', join(home, 'etc/a b')]);
    expect(code).toBe(0);
    expect(stderr).toContain(
      `planton runner start --credentials-file '${join(home, 'etc/a b/credentials.json')}'\n`,
    );
    expect(readdirSync(join(home, 'etc/a b'))).toEqual(['credentials.json']);
    expect(existsSync(file)).toBe(false);
  });

  test('with several runners on the machine, the command to start names this one', async () => {
    const { register } = await start();
    await register(['--name', 'other', '--yes']);
    const { stderr } = await register([...named, '--yes']);
    expect(stderr).toContain('start the runner with: planton runner start my-aws-runner\n');
  });

  test('where its name or nothing would start another, the command names the file', async () => {
    const { register, file, home } = await start();
    const env = { PLANTON_RUNNER_CREDENTIALS_FILE: '/elsewhere/credentials.json' };
    const elsewhere = await register([...named, '--yes'], { env });
    expect(elsewhere.stderr).toContain(`planton runner start --credentials-file ${file}\n`);
    const namesake = join(home, 'config/org/beta/runner/my-aws-runner');
    mkdirSync(namesake, { recursive: true });
    writeFileSync(join(namesake, 'credentials.json'), '{}');
    expect((await register(named)).stderr).toContain(`planton runner start --credentials-file ${file}\n`);
  });

  test('-o json is the runner and where its credentials are', async () => {
    const { register, file } = await start();
    const bare = JSON.parse((await register([...named, '-o', 'json'])).stdout);
    expect(bare).toMatchObject({ created: true, runner: { metadata: { slug: 'my-aws-runner' } } });
    expect(bare.credentials_file).toBeUndefined();
    const made = JSON.parse((await register([...named, '--yes', '-o', 'json'])).stdout);
    expect(made).toMatchObject({ created: false, credentials_file: file });
  });
});

describe('at a terminal', () => {
  test.each(['', 'y', 'YES'])('%j makes credentials', async (answer) => {
    const { register, file } = await start();
    const { code, stderr } = await register(named, { answers: [answer] });
    expect(code).toBe(0);
    expect(stderr).toContain('The key is made on this machine and never leaves\nit');
    expect(stderr).toContain('Make the credentials for this machine now? [Y/n] ');
    expect(readJson(file).runner).toBe('my-aws-runner');
  });

  test.each([
    ['n', ['n']],
    ['No', ['No']],
    ['the end of input', []],
  ])('%s makes none, and the commands are named', async (_, answers) => {
    const { register, file, service } = await start();
    const { code, stderr } = await register(named, { answers });
    expect(code).toBe(0);
    expect(stderr).toContain('planton runner register --name my-aws-runner --yes\n');
    expect({ exists: existsSync(file), asked: service.asked.tokens }).toEqual({ exists: false, asked: [] });
  });

  test('what is neither yes nor no is asked again', async () => {
    const { register, file } = await start();
    const { stderr } = await register(named, { answers: ['perhaps', 'y'] });
    expect(stderr.match(/now\? \[Y\/n\]/g)).toHaveLength(2);
    expect(existsSync(file)).toBe(true);
  });

  test('--yes asks nothing while there is nothing to lose', async () => {
    const { register, file } = await start();
    const { code, stderr } = await register([...named, '--yes'], { answers: [] });
    expect(code).toBe(0);
    expect(stderr).not.toContain('[Y/n]');
    expect(existsSync(file)).toBe(true);
  });

  test.each([
    ['', false],
    ['n', false],
    ['y', true],
  ])('credentials are replaced where a person says so: %j', async (answer, replaced) => {
    const { service, register, file } = await start();
    await register([...named, '--yes']);
    const before = readFileSync(file, 'utf8');
    const instance = service.instances.get('my-aws-runner')?.[0]?.uid;
    const { code, stderr } = await register([...named, '--yes'], { answers: [answer] });
    expect(code).toBe(0);
    expect(stderr).toContain('Replace them with new ones? [y/N] ');
    expect(readFileSync(file, 'utf8') !== before).toBe(replaced);
    expect(stderr.includes(`planton runner revoke my-aws-runner --instance ${instance}`)).toBe(replaced);
    expect(stderr.includes('they were kept')).toBe(!replaced);
  });

  test('where they are of no use, Enter replaces them', async () => {
    const { service, register, file } = await start();
    await register([...named, '--yes']);
    service.instances.delete('my-aws-runner');
    const before = readFileSync(file, 'utf8');
    const { code, stderr } = await register(named, { answers: [''] });
    expect(code).toBe(0);
    expect(stderr).toContain('Replace them with new ones? [Y/n] ');
    expect(readFileSync(file, 'utf8')).not.toBe(before);
  });
});

describe('what fails', () => {
  test('an enrolment that is refused leaves no token and no file behind', async () => {
    const { service, register, file } = await start();
    service.enrolmentFailure = refusal(Code.FailedPrecondition, 'the runner was re\u001b[2Jvoked', {
      hint: 'planton runner list',
    });
    const { code, stderr } = await register([...named, '--yes']);
    expect(code).toBe(5);
    expect(stderr).toContain('error: the runner was re\\u001b[2Jvoked\nhint: planton runner list\n');
    expect([...service.tokens.values()].every(({ revokeTime }) => revokeTime !== undefined)).toBe(true);
    expect([...service.tokens.keys()].some((text) => stderr.includes(text))).toBe(false);
    expect(existsSync(file)).toBe(false);
  });

  test('a folder that cannot be written to is told before a token is made', async () => {
    const { service, register, home } = await start();
    writeFileSync(join(home, 'file'), '');
    const { code, stderr } = await register([...named, '--yes', '--output-dir', join(home, 'file/below')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/error: .*credentials\.json cannot be written \(ENOTDIR\)\nhint: /);
    expect(service.asked.tokens).toEqual([]);
  });

  test('a slug that would be a path is no place for credentials', async () => {
    const { service, register, home } = await start();
    await register(named);
    const runner = service.runners.get('my-aws-runner');
    if (runner?.metadata) runner.metadata.slug = '../../../..';
    for (const args of [[], ['--output-dir', join(home, 'out')]]) {
      const { code, stderr } = await register([...named, '--yes', ...args]);
      expect(code).toBe(1);
      expect(stderr).toContain('slug');
    }
    expect(service.asked.tokens).toEqual([]);
    expect(readdirSync(home)).toEqual([]);
  });

  test('a name that is left out', async () => {
    const { register } = await start();
    expect(await register([])).toMatchObject({ code: 2 });
  });
});
