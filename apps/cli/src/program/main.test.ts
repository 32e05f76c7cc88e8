import { execFile, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fakeProgram } from '../testing/fake-program.ts';
import { runnerService } from '../testing/runners.ts';
import { serve } from '../testing/serve.ts';
import { completed, trustSetupService } from '../testing/trust-setups.ts';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'planton-main-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('bin/planton', () => {
  test('runs from anywhere, through links, with the Node of the checkout', () => {
    mkdirSync(join(folder, 'a b'));
    symlinkSync(join(root, 'bin/planton'), join(folder, 'a b', 'planton'));
    symlinkSync('a b/planton', join(folder, 'link'));
    const ran = spawnSync(join(folder, 'link'), ['version'], { cwd: folder, env: { PATH: '/usr/bin:/bin' } });
    expect(ran.stdout.toString()).toBe('planton 0.1.0\n');
  });

  test('says what to do where dependencies are not installed', () => {
    mkdirSync(join(folder, 'checkout/bin'), { recursive: true });
    spawnSync('cp', [join(root, 'bin/planton'), join(folder, 'checkout/bin/planton')]);
    const ran = spawnSync(join(folder, 'checkout/bin/planton'), ['version'], {
      env: { PATH: '/usr/bin:/bin' },
    });
    expect(ran.status).toBe(1);
    expect(ran.stderr.toString()).toMatch(/^error: .*not installed\nhint: .*npm install/);
  });
});

describe('the bundle', () => {
  const bundle = join(folder, 'planton.mjs');
  beforeAll(() => {
    const script = fileURLToPath(new URL('../../scripts/bundle.ts', import.meta.url));
    const built = spawnSync(process.execPath, [script, bundle]);
    expect(built.stderr.toString()).toBe('');
  });
  const run = (args: string[], env: Record<string, string> = {}) =>
    spawnSync(process.execPath, [bundle, ...args], {
      cwd: folder,
      env: { PATH: '/usr/bin:/bin', HOME: folder, ...env },
    });

  test('is one file that works alone', () => {
    expect(run(['version']).stdout.toString()).toBe('planton 0.1.0\n');
    expect(run(['--help']).stdout.toString()).toMatch(/^Usage: planton COMMAND \[options\]\n/);
    const unknown = run(['aply']);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr.toString()).toBe("error: unknown command 'aply'\nhint: did you mean apply?\n");
    expect(run(['explain', 'aws.spec.region']).stdout.toString()).toContain(
      'AwsProviderConnection.spec.region',
    );
    expect(run(['completion', 'bash']).stdout.toString()).toContain(
      'complete -o default -F _planton planton',
    );
    const server = run(['server', 'start']);
    expect(server.status).toBe(1);
    expect(server.stderr.toString()).toContain('the server is not installed with this CLI');
    const runner = run(['runner', 'start']);
    expect(runner.status).toBe(1);
    expect(runner.stderr.toString()).toContain('the runner is not installed with this CLI');
  });

  test('reaches for a server', () => {
    const asked = run(['get', 'aws', 'a'], {
      PLANTON_SERVER: 'http://127.0.0.1:1',
      PLANTON_API_KEY: 'k',
      PLANTON_ORG: 'o',
    });
    expect(asked.status).toBe(7);
  });

  test.each([
    ['server', ['server', 'start', '--listen', 'x'], 'start --listen x'],
    ['runner', ['runner', 'start', 'r', '--max-in-flight', '4'], 'r --max-in-flight 4'],
  ])('hands over to the %s beside it', (name, typed, handed) => {
    const beside = join(folder, name);
    mkdirSync(beside);
    copyFileSync(bundle, join(beside, 'planton.mjs'));
    writeFileSync(
      join(beside, `planton-${name}.mjs`),
      `export const main = async (argv) => (argv.join(' ') === '${handed}' ? 9 : 1);`,
    );
    const ran = spawnSync(process.execPath, [join(beside, 'planton.mjs'), ...typed], {
      env: { HOME: folder },
    });
    expect({ status: ran.status, stderr: ran.stderr.toString() }).toEqual({ status: 9, stderr: '' });
  });

  test('enrols a runner, with a key and a certificate that fit', async () => {
    const { routes } = await runnerService();
    const { url } = await serve(routes);
    const words = ['runner', 'register', '--name', 'a', '--yes', '--output-dir', join(folder, 'enrolled')];
    const env = { HOME: folder, PLANTON_SERVER: url, PLANTON_API_KEY: 'k', PLANTON_ORG: 'acme' };
    const { stderr } = await promisify(execFile)(process.execPath, [bundle, ...words], { env });
    expect(stderr).toContain('credentials written to');
    const credentials = JSON.parse(readFileSync(join(folder, 'enrolled/credentials.json'), 'utf8'));
    const certificate = new X509Certificate(credentials.certificate);
    expect(certificate.checkPrivateKey(createPrivateKey(credentials.privateKey))).toBe(true);
  });

  test('connects an account, and hands the link to the browser', async () => {
    const browser = fakeProgram(folder, 'my-browser');
    const done = { when: () => browser.started() !== undefined, changes: [completed] };
    const { url } = await serve(trustSetupService(done).routes);
    const words = ['connect', 'aws', '--name', 'prod-aws', '--org', 'acme', '--account-id', '123456789012'];
    const env = {
      HOME: folder,
      PLANTON_SERVER: url,
      PLANTON_API_KEY: 'k',
      BROWSER: 'my-browser',
      PATH: browser.path,
    };
    const { stdout } = await promisify(execFile)(process.execPath, [bundle, ...words], { env });
    expect(stdout).toContain('set-up        completed');
    expect(browser.started()?.page).toContain('SETUP-TOKEN');
  });

  test('validates without a server', () => {
    const manifest =
      'apiVersion: connect.planton.ai/v1\nkind: DefaultProviderConnection\nspec: {provider: AWS, connection: a}\n';
    const ran = spawnSync(process.execPath, [bundle, 'validate', '--local', '-f', '-'], {
      input: manifest,
      env: { HOME: folder },
    });
    expect(ran.status).toBe(2);
    expect(ran.stderr.toString()).toContain('stdin:3:18: `spec.provider`');
  });

  test('keeps compiled code for its owner alone, and does without where it is damaged or cannot be kept', () => {
    const home = join(folder, 'kept');
    const explain = (home: string) => {
      const ran = run(['explain', 'aws.spec.region'], { PLANTON_CONFIG_HOME: home });
      expect({ status: ran.status, stderr: ran.stderr.toString() }).toEqual({ status: 0, stderr: '' });
      return ran.stdout.toString();
    };
    const answer = explain(home);
    expect(answer).toContain('AwsProviderConnection.spec.region');
    const kept = join(home, 'cache/explain');
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    const code = readFileSync(kept);
    const written = statSync(kept).mtimeMs;
    expect(explain(home)).toBe(answer);
    expect(statSync(kept).mtimeMs).toBe(written);

    writeFileSync(kept, Buffer.concat([code.subarray(0, -4000), Buffer.alloc(4000)]));
    expect(explain(home)).toBe(answer);
    expect(run(['aply'], { PLANTON_CONFIG_HOME: home }).status).toBe(2);
    expect(readdirSync(join(home, 'cache'))).toEqual(['explain']);
    expect(explain(join(bundle, 'no-folder'))).toBe(answer);
  });

  test('a reader that has seen enough is no error', () => {
    const ran = spawnSync(
      'sh',
      ['-c', `${process.execPath} ${bundle} completion bash | head -1; echo done`],
      { env: { PATH: '/usr/bin:/bin', HOME: folder } },
    );
    expect(ran.stderr.toString()).toBe('');
    expect(ran.stdout.toString()).toBe('# bash completion for planton\ndone\n');
  });
});
