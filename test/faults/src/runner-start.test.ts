import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { createPlanton, type Planton } from '@planton/client';
import {
  credentialsFile,
  formatCredentials,
  type RunnerCredentials,
  writeCredentials,
} from '@planton/enrolment';
import {
  freePort,
  type Platform,
  type RunnerProcess,
  startPlatform,
  startRunner,
} from '@planton/test-platform';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createToken, enrolInstance, ORG } from './prepare-runners.ts';
import { expectRefusal } from './refusal.ts';
import { makeAuthority } from './run-openssl.ts';
import { waitUntil } from './wait-until.ts';

// `planton runner start` with credentials, tokens and addresses that are no good.

let platform: Platform;
let planton: Planton;
let good: RunnerCredentials;
let homes = 0;
const runners: RunnerProcess[] = [];

beforeAll(async () => {
  platform = await startPlatform();
  planton = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await planton.identity.createOrganization({ slug: ORG });
  good = await enrolInstance(platform, planton, 'good');
}, 90_000);
afterEach(async () => {
  await Promise.all(runners.splice(0).map((runner) => runner.end('SIGKILL')));
});
afterAll(() => platform?.stop());

/** A configuration folder that is empty. */
const newHome = () => {
  const home = join(platform.home, `home-${++homes}`);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return home;
};
/** Runs `planton runner start` until it ends. */
const run = (home: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  platform.cli(['runner', 'start', ...args], {
    env: { ...platform.env, PLANTON_CONFIG_HOME: home, ...env },
    timeout: 30_000,
  });
const start = async (
  home: string,
  wait: boolean,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
) => {
  const runner = await startRunner(platform, { args, wait, env: { PLANTON_CONFIG_HOME: home, ...env } });
  runners.push(runner);
  return runner;
};

describe('credentials', () => {
  test('that are missing', async () => {
    const home = newHome();
    expectRefusal(
      await run(home),
      3,
      /there are no runner credentials under/,
      /^hint: planton runner register/m,
    );
    expectRefusal(await run(home, ['nobody']), 3, /no credentials of a runner "nobody"/);
    const file = join(home, 'none.json');
    expectRefusal(await run(home, ['--credentials-file', file]), 3, /none\.json does not exist/);
  });

  const broken: [string, (it: RunnerCredentials) => string, RegExp][] = [
    ['cut off', (it) => formatCredentials(it).slice(0, 900), /is not a JSON object/],
    [
      'of a later release',
      (it) => formatCredentials(it).replace('"format": 1', '"format": 2'),
      /newer release/,
    ],
    ['without a key', (it) => formatCredentials({ ...it, privateKey: '' }), /no usable "privateKey"/],
    ['for a place outside', (it) => formatCredentials({ ...it, org: '../..' }), /no usable "org"/],
  ];
  test.each(broken)('that are %s', async (_name, write, why) => {
    const home = newHome();
    const file = credentialsFile(home, ORG, 'good');
    await writeCredentials(file, good);
    writeFileSync(file, write(good));
    const result = await run(home);
    expectRefusal(result, 1, why);
    expect(result.stderr).toContain(file);
    // The parser's own words would quote the key.
    expect(result.stderr).not.toContain(good.privateKey.split('\n')[1]);
  });

  test('whose key is not that of the certificate: the runner says so and can be ended', async () => {
    const home = newHome();
    const { privateKey } = await enrolInstance(platform, planton, 'good');
    await writeCredentials(credentialsFile(home, ORG, 'good'), { ...good, privateKey });
    const runner = await start(home, false);
    await waitUntil('the runner says so', () =>
      /the certificate or the key of the credentials cannot be used/.test(runner.log()),
    );
    expect(await Promise.race([runner.end('SIGTERM'), runner.ended])).toBe(0);
  });

  test('that others may read', async () => {
    const home = newHome();
    const file = credentialsFile(home, ORG, 'good');
    await writeCredentials(file, good);
    for (const mode of [0o644, 0o640, 0o602]) {
      chmodSync(file, mode);
      expectRefusal(await run(home), 1, /holds a private key and others may read it/, /^hint: chmod 600 /m);
    }
    chmodSync(file, 0o600);
    await start(home, true);
  });

  test('of several runners: they are listed, and one can be named', async () => {
    const home = newHome();
    await writeCredentials(credentialsFile(home, ORG, 'good'), good);
    await writeCredentials(
      credentialsFile(home, ORG, 'better'),
      await enrolInstance(platform, planton, 'better'),
    );
    const { code, stderr } = await run(home);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^error: there are credentials of several runners:$/m);
    expect(stderr).toContain(`better of ${ORG}: ${credentialsFile(home, ORG, 'better')}`);
    expect(stderr).toContain(`good of ${ORG}: ${credentialsFile(home, ORG, 'good')}`);
    expect(stderr).toMatch(/^hint: planton runner start better/m);
    const runner = await start(home, true, ['better']);
    expect(runner.log()).toContain('"runner":"better"');
  });
});

describe('tokens', () => {
  test.each([
    ['made up', () => 'planton-runner-token-made-up'],
    ['of another kind', () => platform.ownerKey()],
    [
      'revoked',
      async () => {
        await planton.runners.registerRunner({ org: ORG, name: 'revoked' });
        const { token, text } = await planton.runners.createRunnerToken({ org: ORG, runner: 'revoked' });
        await planton.runners.revokeRunnerToken({ org: ORG, tokenUid: token?.uid ?? '' });
        return text;
      },
    ],
    [
      'used up',
      async () => {
        const token = await createToken(planton, 'used');
        await (await start(newHome(), true, [], { PLANTON_RUNNER_TOKEN: token })).end('SIGTERM');
        return token;
      },
    ],
  ])('%s: the runner ends, and the token is not shown', async (_name, make) => {
    const home = newHome();
    const token = await make();
    const result = await run(home, [], { PLANTON_RUNNER_TOKEN: token });
    expectRefusal(result, 4);
    expect(`${result.stdout}${result.stderr}`).not.toContain(token);
    expect(existsSync(join(home, 'org'))).toBe(false);
  });

  test('the right one: credentials are kept, for the owner alone, and used from then on', async () => {
    const home = newHome();
    const token = await createToken(planton, 'fresh');
    const runner = await start(home, true, [], { PLANTON_RUNNER_TOKEN: token });
    expect(runner.log()).not.toContain(token);
    await runner.end('SIGTERM');
    const file = credentialsFile(home, ORG, 'fresh');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).not.toContain(token);
    // The token is used up; what is kept is enough.
    await start(home, true, [], { PLANTON_RUNNER_TOKEN: token });
  });
});

describe('what does not answer', () => {
  test('the server: a runner that has to enrol goes on trying', async () => {
    const server = `http://127.0.0.1:${await freePort()}`;
    const runner = await start(newHome(), false, [], { PLANTON_SERVER: server, PLANTON_RUNNER_TOKEN: 'x' });
    await waitUntil('it has tried twice', () => (runner.log().match(/cannot enrol yet/g)?.length ?? 0) >= 2);
    expect(runner.log()).toMatch(/"hint":"look at PLANTON_SERVER/);
    expect(await runner.end('SIGTERM')).toBe(0);
  });

  test('the gateway: a runner that has credentials goes on trying', async () => {
    const home = newHome();
    const gatewayAddress = `127.0.0.1:${await freePort()}`;
    await writeCredentials(credentialsFile(home, ORG, 'good'), { ...good, gatewayAddress });
    const runner = await start(home, false);
    await waitUntil(
      'it has tried three times',
      () => (runner.log().match(/cannot be reached \(ECONNREFUSED\)/g)?.length ?? 0) >= 3,
    );
    expect(await runner.isReady()).toBe(false);
    expect(await runner.end('SIGTERM')).toBe(0);
  });

  test('another one in its place, which the authority did not certify: it is told nothing', async () => {
    const evil = await makeAuthority('/CN=evil');
    const { cert, key } = await evil.issue('/CN=127.0.0.1', [
      'subjectAltName=IP:127.0.0.1,DNS:localhost',
      'extendedKeyUsage=serverAuth',
    ]);
    let heard = 0;
    let handshakes = 0;
    const posing = createServer({ cert: cert + evil.cert, key, ALPNProtocols: ['h2'] }, (socket) => {
      handshakes += 1;
      socket.on('error', () => {});
      socket.on('data', (bytes: Buffer) => {
        heard += bytes.length;
      });
    });
    posing.on('tlsClientError', () => {
      handshakes += 1;
    });
    await new Promise<void>((resolve) => posing.listen(0, '127.0.0.1', resolve));
    try {
      const home = newHome();
      const gatewayAddress = `127.0.0.1:${(posing.address() as AddressInfo).port}`;
      await writeCredentials(credentialsFile(home, ORG, 'good'), { ...good, gatewayAddress });
      // Nothing turns the check off.
      const runner = await start(home, false, [], { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
      await waitUntil('it says why', () =>
        /is not signed by an authority of the platform/.test(runner.log()),
      );
      expect(handshakes).toBeGreaterThan(0);
      expect(heard).toBe(0);
      expect(await runner.end('SIGTERM')).toBe(0);
    } finally {
      posing.close();
    }
  });
});
