import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, type Platform, runProgram, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const planton = join(import.meta.dirname, '../../../bin/planton');
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  await platform.planton('secret', 'set', 'kept', 'value=precious');
}, 90_000);
afterAll(() => platform?.stop());

const startServer = (args: string[], env: NodeJS.ProcessEnv = {}) =>
  runProgram(planton, ['server', 'start', ...args], {
    env: { PATH: process.env.PATH, HOME: platform.home, ...env },
    timeout: 30_000,
  });

describe('a server does not start', () => {
  test('on a data dir that another has open', async () => {
    const { code, stderr } = await startServer(['--data-dir', platform.dataDir, '--listen', '127.0.0.1:0']);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/^error: .*(in use|open|locked)/m);
  });

  test.each(['--listen', '--runner-listen'])(
    'on a port that is busy, and names %s',
    async (flag) => {
      const busy = flag === '--listen' ? new URL(platform.url).host : platform.runnerAddress;
      const free = `127.0.0.1:${await freePort()}`;
      const { code, stderr } = await startServer([
        '--data-dir',
        join(platform.home, 'another'),
        '--listen',
        flag === '--listen' ? busy : free,
        '--runner-listen',
        flag === '--listen' ? free : busy,
      ]);
      expect(code).toBe(2);
      expect(stderr).toContain(` ${flag} `);
      expect(stderr).toContain(busy);
    },
    90_000,
  );

  test.each([
    [['--listen', '0.0.0.0:0'], 'TLS'],
    [['--listen', 'nonsense'], 'TLS'],
    [['--log-level', 'loud'], 'log level'],
    [['--public-url', 'ftp://x'], 'URL'],
    [['--tls-cert', '/nonexistent'], 'TLS'],
    [['--no-such-flag'], 'no-such-flag'],
  ])('with %j', async (args, words) => {
    const { code, stderr } = await startServer([...args, '--data-dir', join(platform.home, 'never')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: /);
    expect(stderr).toContain(words);
  });

  test('with a wrong master key, and destroys nothing', async () => {
    const file = join(platform.dataDir, 'master.key');
    const right = readFileSync(file);
    await platform.end('SIGTERM');
    writeFileSync(file, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    await expect(platform.start()).rejects.toThrow(/master key/);
    writeFileSync(file, right);
    await platform.start();
    expect((await platform.planton('secret', 'get', 'kept', '--key', 'value', '--reveal')).trim()).toBe(
      'precious',
    );
  }, 90_000);

  test('without its master key, and makes no new one for data that an old one sealed', async () => {
    const file = join(platform.dataDir, 'master.key');
    const right = readFileSync(file);
    await platform.end('SIGTERM');
    const { rmSync } = await import('node:fs');
    rmSync(file);
    await expect(platform.start()).rejects.toThrow(/master key/);
    writeFileSync(file, right, { mode: 0o600 });
    await platform.start();
  }, 90_000);
});

test('keys are written for their owner alone, and the log names the file, never the key', () => {
  for (const name of ['bootstrap-api-key', 'master.key']) {
    expect(statSync(join(platform.dataDir, name)).mode & 0o777).toBe(0o600);
  }
  expect(platform.log()).toContain('bootstrap-api-key');
  expect(platform.log()).not.toContain(platform.ownerKey());
});
