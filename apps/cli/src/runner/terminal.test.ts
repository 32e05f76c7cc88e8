import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { RunnerSchema, RunnerState } from '@planton/api/runner/v1/runner';
import { describe, expect, test } from 'vitest';
import { hasTerminal, spawnAtTerminal } from '../testing/at-terminal.ts';
import { cliAt } from '../testing/run-cli.ts';
import { runnerService } from '../testing/runners.ts';
import { serve } from '../testing/serve.ts';

async function start() {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  const { env, home } = cliAt(url);
  const at = (...args: string[]) => spawnAtTerminal(['runner', ...args], { ...env, PLANTON_ORG: 'acme' });
  return { service, at, file: join(home, 'config/org/acme/runner/my-aws-runner/credentials.json') };
}

const question = 'Make the credentials for this machine now? [Y/n] ';

describe.skipIf(!hasTerminal)('at a pseudo-terminal', () => {
  test('register asks, and Enter makes the credentials', async () => {
    const { at, file } = await start();
    const cli = at('register', '--name', 'my-aws-runner');
    await cli.shows(question);
    cli.type('\r');
    const { code, shown } = await cli.ended;
    expect(code).toBe(0);
    expect(shown).toContain('start the runner with: planton runner start');
    expect(JSON.parse(readFileSync(file, 'utf8')).runner).toBe('my-aws-runner');
  });

  test('register asks before it replaces credentials', async () => {
    const { at, file } = await start();
    await at('register', '--name', 'my-aws-runner', '--yes').ended;
    const before = readFileSync(file, 'utf8');
    const cli = at('register', '--name', 'my-aws-runner', '--yes');
    await cli.shows('Replace them with new ones? [y/N] ');
    cli.type('\r');
    expect(await cli.ended).toMatchObject({ code: 0, shown: expect.stringContaining('they were kept') });
    expect(readFileSync(file, 'utf8')).toBe(before);
  });

  test.each([
    ['Ctrl-C', '\u0003', 130],
    ['Ctrl-D', '\u0004', 0],
  ])('%s at the question makes no credentials', async (_, key, exitCode) => {
    const { service, at, file } = await start();
    const cli = at('register', '--name', 'my-aws-runner');
    await cli.shows(question);
    cli.type(key);
    expect((await cli.ended).code).toBe(exitCode);
    expect({ made: existsSync(file), asked: service.asked.tokens }).toEqual({ made: false, asked: [] });
    expect(service.runners.has('my-aws-runner')).toBe(true);
  });

  test('revoke asks, and does nothing for Enter', async () => {
    const { service, at } = await start();
    const status = { state: RunnerState.ONLINE };
    service.runners.set('a', create(RunnerSchema, { metadata: { slug: 'a' }, status }));
    const cli = at('revoke', 'a');
    await cli.shows('for ever? [y/N] ');
    cli.type('\r');
    expect(await cli.ended).toMatchObject({ code: 1, shown: expect.stringContaining('nothing was changed') });
    expect(service.runners.get('a')?.status?.state).toBe(RunnerState.ONLINE);
  });

  test('list --watch draws over its table until Ctrl-C', async () => {
    const { service, at } = await start();
    const runner = (state: RunnerState) => ({
      case: 'runner' as const,
      value: { metadata: { slug: 'a' }, status: { state } },
    });
    const complete = { case: 'complete' as const, value: true };
    service.streams.push({
      events: [runner(RunnerState.ONLINE), complete, runner(RunnerState.OFFLINE)],
      open: true,
    });
    const cli = at('list', '--watch');
    await cli.shows('offline');
    cli.type('\u0003');
    const { code, shown } = await cli.ended;
    expect(code).toBe(130);
    expect(shown).toContain('\u001b[2A\r\u001b[J');
  });
});
