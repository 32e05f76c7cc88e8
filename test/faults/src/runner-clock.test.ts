import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { OperationState } from '@planton/api/runner/v1/operation';
import { createPlanton, type Planton } from '@planton/client';
import { type RunnerCredentials, recoverRunner, writeCredentials } from '@planton/enrolment';
import { type Platform, type RunnerProcess, startPlatform, startRunner } from '@planton/test-platform';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { dialTls } from './dial-tls.ts';
import { openRawSession } from './open-raw-session.ts';
import { enrolInstance, ORG, ping } from './prepare-runners.ts';
import { dialWithOpenssl } from './run-openssl.ts';

// Certificates that are of another time than the one in which they are shown. Each test goes on with the server of the one before it.

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const clockAt = (shift: number): NodeJS.ProcessEnv => ({
  NODE_OPTIONS: `--import ${join(import.meta.dirname, 'shift-clock.ts')}`,
  TEST_CLOCK_SHIFT_MS: String(shift),
});

let platform: Platform;
let planton: Planton;
let runner: RunnerProcess | undefined;
const expired: RunnerCredentials[] = [];

const tlsOf = ({ caBundle, certificate, privateKey }: RunnerCredentials) => ({
  ca: caBundle,
  cert: certificate,
  key: privateKey,
});
const startAs = async (name: string, credentials: RunnerCredentials, wait: boolean, env = {}) => {
  const file = join(platform.home, `${name}.json`);
  await writeCredentials(file, credentials);
  return startRunner(platform, { args: ['--credentials-file', file], wait, env });
};
const restart = async (env?: NodeJS.ProcessEnv) => {
  await platform.end('SIGTERM');
  await platform.start(env);
};

beforeAll(async () => {
  platform = await startPlatform({ env: clockAt(-8 * DAY_MS) });
  planton = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await planton.identity.createOrganization({ slug: ORG });
  for (const name of ['away', 'asleep', 'silent']) expired.push(await enrolInstance(platform, planton, name));
}, 90_000);
afterEach(async () => {
  await runner?.end('SIGKILL');
  runner = undefined;
});
afterAll(() => platform?.stop());

test('a certificate that has expired is refused, and replaced for whoever has its key', async () => {
  await restart({ NODE_OPTIONS: '' });
  const [away] = expired;
  if (!away) return expect.fail('nothing enrolled');
  const { validToDate } = new X509Certificate(away.certificate);
  expect(validToDate.getTime()).toBeLessThan(Date.now());
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
    expect((await dialTls(platform.runnerAddress, { ...tlsOf(away), maxVersion })).served).toBe(false);
  const { stdout } = await dialWithOpenssl(platform.runnerAddress, tlsOf(away), [
    '-alpn',
    'h2',
    '-ign_eof',
    '-brief',
  ]);
  expect(stdout).toBe('');

  const recovered = await recoverRunner(away, {});
  expect(recovered.generation).toBe(away.generation + 1);
  const session = await openRawSession(recovered).open();
  session.close();
  expect((await dialTls(platform.runnerAddress, tlsOf(away))).served).toBe(false);
});

test('a runner that was away for longer than its certificate lives comes back by itself', async () => {
  const [, asleep] = expired;
  if (!asleep) return expect.fail('nothing enrolled');
  runner = await startAs('asleep', asleep, true);
  expect(await ping(planton, 'asleep')).toBe(OperationState.SUCCEEDED);
});

test('one that was revoked meanwhile does not, and says so', async () => {
  const [, , silent] = expired;
  if (!silent) return expect.fail('nothing enrolled');
  await planton.runners.revokeRunner({ org: ORG, runner: 'silent', instanceUid: silent.instanceUid });
  runner = await startAs('silent', silent, false);
  expect(await runner.ended).toBe(4);
  expect(runner.log()).toMatch(/^error: .*does not take this runner instance any more/m);
  expect(runner.log()).toMatch(/^hint: .*planton runner token create/m);
});

test('a runner whose own clock is wrong connects all the same, and says so', async () => {
  const credentials = await enrolInstance(platform, planton, 'ahead');
  runner = await startAs('ahead', credentials, true, clockAt(10 * DAY_MS));
  expect(await ping(planton, 'ahead')).toBe(OperationState.SUCCEEDED);
  expect(runner.log()).toMatch(/the clock of this machine is ahead of the server's; set it/);
});

test('clocks that differ by minutes do no harm', async () => {
  await restart(clockAt(4 * MINUTE_MS));
  const credentials = await enrolInstance(platform, planton, 'minutes');
  expect(new X509Certificate(credentials.certificate).validFromDate.getTime()).toBeLessThan(Date.now());
  runner = await startAs('minutes', credentials, true);
  expect(await ping(planton, 'minutes')).toBe(OperationState.SUCCEEDED);
});

test('a certificate that is not good yet is refused', async () => {
  await restart(clockAt(120 * MINUTE_MS));
  const early = await enrolInstance(platform, planton, 'hours');
  expect(new X509Certificate(early.certificate).validFromDate.getTime()).toBeGreaterThan(Date.now());
  for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const)
    expect((await dialTls(platform.runnerAddress, { ...tlsOf(early), maxVersion })).served).toBe(false);
});
