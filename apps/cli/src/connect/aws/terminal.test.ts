import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { describe, expect, test } from 'vitest';
import { hasTerminal, spawnAtTerminal } from '../../testing/at-terminal.ts';
import { fakeProgram } from '../../testing/fake-program.ts';
import { cliAt } from '../../testing/run-cli.ts';
import { screenOf } from '../../testing/screen.ts';
import { serve } from '../../testing/serve.ts';
import {
  cause,
  completed,
  pending,
  quickCreateUrl,
  type SetupStream,
  trustSetupService,
  verifying,
} from '../../testing/trust-setups.ts';
import { displayProgress } from './display-progress.ts';

const size = { columns: 60, rows: 30 };
const at = (seconds: number) => new Date(Date.UTC(2026, 2, 1, 12, 0, seconds));

/** Progress at a terminal whose clock is set by hand. */
function draw() {
  let time = at(0);
  let written = '';
  const ignored = new PassThrough();
  const stderr = Object.assign(new PassThrough(), size);
  stderr.on('data', (chunk: Buffer) => {
    written += chunk;
  });
  const progress = displayProgress({
    env: {},
    stdin: ignored,
    stdout: ignored,
    stderr,
    interactive: true,
    terminalOutput: false,
    now: () => time,
    options: () => ({}),
    exit: () => undefined,
  });
  progress.end();
  const set = (seconds: number) => {
    time = at(seconds);
  };
  return { progress, set, screen: () => screenOf(written, size) };
}

test('progress is drawn over: how long it takes, what is waited for, and the next attempt', () => {
  const { progress, set, screen } = draw();
  progress.show({ ...pending, attempts: 1, nextAttemptTime: timestampFromDate(at(20)) });
  set(65);
  const causes = [cause('SLOW', 'IAM is slow', 'wait')];
  progress.show({
    ...pending,
    ...verifying,
    attempts: 2,
    nextAttemptTime: timestampFromDate(at(80)),
    causes,
  });
  expect(screen()).toEqual([
    'set-up        verifying, after 1m 05s',
    'waiting for   AWS to make the role known everywhere',
    '              (propagating)',
    'next attempt  in 15s, after 2 so far',
    'observed      the stack has made the role',
    'cause         SLOW: IAM is slow',
    'hint          wait',
    '',
  ]);

  set(3725);
  progress.interrupt('cannot reach the server');
  expect(screen()[0]).toBe('set-up        verifying, after 1h 02m');
  expect(screen()).toContain('next attempt  now, after 2 so far');
  expect(screen()).toContain('trouble       cannot reach the server; trying again');

  progress.show({ ...pending, ...completed });
  expect(screen()).toEqual(['set-up    completed, after 1h 02m', 'observed  the role was verified', '']);
});

test('what a server says cannot change the terminal', () => {
  const { progress, screen } = draw();
  progress.show({ ...pending, message: 'a\u001b[2J\nb', causes: [cause('\u0007', '\u009b', '\r')] });
  expect(screen()).toContain('observed     a\\u001b[2J\\u000ab');
  expect(screen()).toContain('cause        \\u0007: \\u009b');
});

describe.skipIf(!hasTerminal)('at a pseudo-terminal', () => {
  const words = ['connect', 'aws', '--name', 'prod-aws', '--org', 'acme', '--account-id', '123456789012'];

  async function start(...streams: SetupStream[]) {
    const service = trustSetupService(...streams);
    const { url } = await serve(service.routes);
    const { env, home } = cliAt(url);
    const browser = fakeProgram(home, 'xdg-open');
    const at = (more: Readonly<Record<string, string>>) =>
      spawnAtTerminal(words, { ...env, PATH: browser.path, NO_COLOR: '1', ...more });
    return { service, browser, home, at };
  }

  test('the browser opens, progress is drawn over, and the details follow', async () => {
    const { service, browser, at } = await start();
    service.streams.push({
      when: () => browser.started() !== undefined,
      changes: [{ wait: AwsTrustSetupWait.ROLE }, verifying, completed],
    });
    const { code, shown } = await at({ DISPLAY: ':0' }).ended;
    expect(code).toBe(0);
    expect(browser.started()?.page).toContain('SETUP-TOKEN');
    expect(browser.started()?.args.join()).not.toContain('SETUP-TOKEN');
    expect(shown).toContain(`\r\n${quickCreateUrl}\r\n`);
    expect(shown).toContain('A\r\u001b[J');
    expect(shown).toContain('capabilities  eks, ecs');
    expect(shown).toContain('connected: prod-aws');
  });

  test('Ctrl-C ends with 130, says how to wait again, and leaves no page and no browser', async () => {
    const { browser, home, at } = await start({ changes: [verifying], open: true });
    const cli = at({ DISPLAY: ':0' });
    await cli.shows('propagating');
    const [file = ''] = browser.started()?.args ?? [];
    expect(existsSync(file)).toBe(true);
    cli.type('\u0003');
    const { code, shown } = await cli.ended;
    expect(code).toBe(130);
    expect(shown).toContain('error: interrupted');
    expect(shown).toContain('wait for it with: planton connect aws --name prod-aws --org acme');
    expect(existsSync(file)).toBe(false);
    expect(file).toContain(join(home, 'config/browser'));
  });

  test('without a display the link is written', async () => {
    const { browser, at } = await start({ changes: [completed] });
    const { code, shown } = await at({}).ended;
    expect({ code, started: browser.started() }).toEqual({ code: 0, started: undefined });
    expect(shown).toContain('(there is no display)');
    expect(shown).toContain(`\r\n${quickCreateUrl}\r\n`);
  });
});
