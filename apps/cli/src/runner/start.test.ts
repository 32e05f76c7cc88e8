import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { expect, test, vi } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { runnerService } from '../testing/runners.ts';
import { serve } from '../testing/serve.ts';
import { spawnCli } from '../testing/spawn-cli.ts';
import { addStartTo } from './start.ts';

/** What the runner's program is given for what was typed after `planton`. */
async function handed(typed: readonly string[]): Promise<readonly string[]> {
  let words: readonly string[] = ['nothing was handed over'];
  const program = new Command().exitOverride().option('--server <url>').option('--org <slug>');
  addStartTo(
    program.command('runner'),
    () => program.opts(),
    async (args) => {
      words = args;
    },
  );
  await program.parseAsync(typed, { from: 'user' });
  return words;
}

test.each([
  [[], []],
  [['my-aws-runner'], ['my-aws-runner']],
  [
    ['--health-listen', '127.0.0.1:0', '--log-level=debug'],
    ['--health-listen', '127.0.0.1:0', '--log-level=debug'],
  ],
  [
    ['my-aws-runner', '--max-in-flight', '4'],
    ['my-aws-runner', '--max-in-flight', '4'],
  ],
  [['--help'], ['--help']],
  [['-h'], ['-h']],
  [
    ['--credentials-file', 'a b', 'r'],
    ['r', '--credentials-file', 'a b'],
  ],
  [['--credentials-file=x'], ['--credentials-file', 'x']],
  [
    ['--server', 'https://x', '--org', 'acme', 'r'],
    ['r', '--server', 'https://x', '--org', 'acme'],
  ],
])('%j reaches the runner as %j', async (typed, words) => {
  expect(await handed(['runner', 'start', ...typed])).toEqual(words);
});

test('options before the command reach the runner as well', async () => {
  expect(await handed(['--server', 'https://x', 'runner', 'start'])).toEqual(['--server', 'https://x']);
});

test('the help is that of the runner program', async () => {
  const { env } = cliAt('http://127.0.0.1:1');
  const { code, stdout } = await spawnCli(['runner', 'start', '--help'], env).ended;
  expect(code).toBe(0);
  expect(stdout).toContain('Usage: planton runner start [NAME]');
});

test('without credentials it says how to make them', async () => {
  const { env } = cliAt('http://127.0.0.1:1', { signedIn: false });
  const { code, stderr } = await spawnCli(['runner', 'start'], env).ended;
  expect(code).toBe(3);
  expect(stderr).toMatch(/^error: .*\nhint: planton runner register --name NAME --yes/m);
});

test('a token enrols it at the server of the context, and the process that was started is the runner', async () => {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  const { cli, env, home } = cliAt(url);
  const acme = { env: { PLANTON_ORG: 'acme' } };
  await cli(['context', 'set', '--server', url]);
  await cli(['runner', 'register', '--name', 'pool'], acme);
  const { stdout } = await cli(['runner', 'token', 'create', 'pool'], acme);

  const { PLANTON_SERVER: _, PLANTON_API_KEY: __, ...rest } = env;
  const runner = spawnCli(['runner', 'start'], { ...rest, PLANTON_RUNNER_TOKEN: stdout.trim() });
  const file = join(home, 'config/org/acme/runner/pool/credentials.json');
  await vi.waitFor(() => expect(JSON.parse(readFileSync(file, 'utf8')).runner).toBe('pool'), 20_000);
  runner.kill('SIGTERM');
  expect(await runner.ended).toMatchObject({ code: 0, signal: null });
});
