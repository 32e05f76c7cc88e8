import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentialsFile, readCredentials, writeCredentials } from '@planton/enrolment';
import { publicKeyPem } from '@planton/enrolment/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type SpawnedRunner, spawnRunner } from '../testing/spawn-runner.ts';
import { useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';

const rig = useRunner();
const ping = { case: 'ping', value: {} } as const;
let home: string;
let running: SpawnedRunner[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'planton-runner-'));
});
afterEach(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await Promise.all(running.map(({ ended }) => ended));
  running = [];
  rmSync(home, { recursive: true, force: true });
});

function spawn(args: readonly string[], env: NodeJS.ProcessEnv = {}, options = {}): SpawnedRunner {
  const { service } = rig();
  const spawned = spawnRunner(
    ['--health-listen', '127.0.0.1:0', ...args],
    { HOME: home, PLANTON_SERVER: service.url, ...env },
    options,
  );
  running.push(spawned);
  return spawned;
}

/** Credentials in the folder where `planton runner register` puts them. */
async function registered(): Promise<string> {
  const file = credentialsFile(join(home, '.planton'), 'acme', 'runner-1');
  await writeCredentials(file, await rig().enrolled());
  return file;
}

describe('a runner in its own process', () => {
  test('finds its credentials, works, and ends in good order when it is told to', async () => {
    await registered();
    const { gateway } = rig();
    const runner = spawn([]);
    await runner.ready();
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
    expect(session.frames.at(-1)?.case).toBe('goodbye');
    for (const line of runner.output().trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ service: 'runner' });
    expect(runner.output()).not.toContain('PRIVATE KEY');
  });

  test('a second signal ends it at once', async () => {
    await registered();
    const { gateway } = rig();
    gateway.does.acknowledge = false;
    const runner = spawn([]);
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    runner.child.kill('SIGINT');
    session.assign('late', ping);
    await session.result('late');
    runner.child.kill('SIGINT');
    expect(await runner.ended).toBe(130);
  });

  test('comes back with its credentials after kill -9', async () => {
    await registered();
    const { gateway } = rig();
    const first = spawn([]);
    const before = await gateway.session(0);
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    spawn([]);
    const after = await gateway.session(1);
    expect(after.instanceUid).toBe(before.instanceUid);
    expect(after.hello.processUid).not.toBe(before.hello.processUid);
  });

  test('keeps a renewed certificate in its file before it uses it', async () => {
    const file = await registered();
    const { gateway, service } = rig();
    gateway.does.renewAfterTime = new Date(0);
    gateway.does.renew = (uid) => service.renew(uid);
    // Its own certificate is due as well, so that there is no jitter to wait for.
    const soon = { ...(await readCredentials(file)), renewAfterTime: new Date(0).toISOString() };
    await writeCredentials(file, { ...soon, expireTime: new Date(Date.now() + 20_000).toISOString() });
    const runner = spawn([]);
    await waitFor('a new generation in the file', async () => (await readCredentials(file)).generation === 2);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    (await gateway.session(0)).cut();
    expect((await gateway.session(1)).generation).toBe(2);
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
  });
});

describe('exit codes and words', () => {
  test('0 for help', async () => {
    const runner = spawn(['--help']);
    expect(await runner.ended).toBe(0);
    expect(runner.output()).toContain('planton runner start [NAME]');
  });

  test('2 for what cannot be', async () => {
    const runner = spawn(['--max-in-flight', 'many']);
    expect(await runner.ended).toBe(2);
    expect(runner.output()).toMatch(/^error: "many" is not a number of operations\nhint: /m);
  });

  test('3 without credentials', async () => {
    const runner = spawn([]);
    expect(await runner.ended).toBe(3);
    expect(runner.output()).toContain(
      'hint: planton runner register --name NAME --yes, or set PLANTON_RUNNER_TOKEN',
    );
  });

  test('1 for credentials that others may read', async () => {
    const file = join(home, 'credentials.json');
    writeFileSync(file, '{}', { mode: 0o644 });
    const runner = spawn(['--credentials-file', file]);
    expect(await runner.ended).toBe(1);
    expect(runner.output()).toContain(`hint: chmod 600 ${file}`);
  });

  test.each(['REVOKED', 'LOCKED'] as const)('4 once it is %s', async (reason) => {
    await registered();
    const runner = spawn([]);
    (await rig().gateway.session(0)).goodbye(reason);
    expect(await runner.ended).toBe(4);
    expect(runner.output()).toMatch(/^error: the platform does not take this runner instance any more/m);
  });

  test('4 for a token that is not taken', async () => {
    const runner = spawn([], { PLANTON_RUNNER_TOKEN: 'canary-token' });
    expect(await runner.ended).toBe(4);
    expect(runner.output()).toContain('error: the token is used up, expired or revoked');
    expect(runner.output()).not.toContain('canary-token');
  });

  test('5 when another process connects with the same credentials', async () => {
    await registered();
    const runner = spawn([]);
    (await rig().gateway.session(0)).goodbye('SUPERSEDED');
    expect(await runner.ended).toBe(5);
    expect(runner.output()).toContain('hint: give each process credentials of its own');
  });

  test('2 for an address that is taken', async () => {
    await registered();
    const port = new URL(rig().service.url).host;
    const runner = spawnRunner(['--health-listen', port], { HOME: home });
    running.push(runner);
    expect(await runner.ended).toBe(2);
    expect(runner.output()).toContain('--health-listen');
  });
});

describe('with a token', () => {
  test('enrols once, keeps the credentials, and needs no token again', async () => {
    const { gateway, service } = rig();
    service.tokens.set('one-token', 'single-use');
    const first = spawn([], { PLANTON_RUNNER_TOKEN: 'one-token' });
    await first.ready();
    const file = credentialsFile(join(home, '.planton'), 'acme', 'runner-1');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { instanceUid } = await readCredentials(file);
    expect(service.instances.get(instanceUid)).toMatchObject({ ephemeral: false });
    first.child.kill('SIGTERM');
    await first.ended;
    const second = spawn([], { PLANTON_RUNNER_TOKEN: 'one-token' });
    await second.ready();
    expect(service.calls.enroll).toBe(1);
    expect(gateway.sessions.map((session) => session.instanceUid)).toEqual([instanceUid, instanceUid]);
    expect(first.output() + second.output()).not.toContain('one-token');
  });

  test('keeps them where the settings say', async () => {
    const { service } = rig();
    service.tokens.set('pool', 'pool');
    const file = join(home, 'data', 'me.json');
    const runner = spawn(['--credentials-file', file], { PLANTON_RUNNER_TOKEN: 'pool' });
    await runner.ready();
    expect((await readCredentials(file)).runner).toBe('runner-1');
    expect(existsSync(join(home, '.planton'))).toBe(false);
  });

  test('is an ephemeral instance where nothing can be written, and enrols anew once it is revoked', async () => {
    const { gateway, service } = rig();
    service.tokens.set('pool', 'pool');
    const env = { PLANTON_RUNNER_TOKEN: 'pool', PLANTON_CONFIG_HOME: '/dev/null/nowhere' };
    const runner = spawn([], env);
    await runner.ready();
    const first = await gateway.session(0);
    expect(service.instances.get(first.instanceUid)).toMatchObject({ ephemeral: true });
    first.goodbye('REVOKED');
    const second = await gateway.session(1);
    expect(second.instanceUid).not.toBe(first.instanceUid);
    service.tokens.delete('pool');
    second.goodbye('REVOKED');
    expect(await runner.ended).toBe(4);
  });

  test('is an ephemeral instance where the settings say so, at every start another', async () => {
    const { gateway, service } = rig();
    service.tokens.set('pool', 'pool');
    const env = { PLANTON_RUNNER_TOKEN: 'pool', PLANTON_RUNNER_EPHEMERAL: 'true' };
    for (const start of [0, 1]) {
      const runner = spawn([], env);
      const { instanceUid } = await gateway.session(start);
      expect(service.instances.get(instanceUid)).toMatchObject({ ephemeral: true });
      runner.child.kill('SIGTERM');
      await runner.ended;
    }
    expect(service.calls.enroll).toBe(2);
    expect(existsSync(join(home, '.planton'))).toBe(false);
  });

  test('waits for a platform that is away, lives meanwhile, and ends when it is told to', async () => {
    const { service } = rig();
    service.tokens.set('pool', 'pool');
    service.intercept = (_, response) => response.writeHead(503).end();
    const waiting = spawn([], { PLANTON_RUNNER_TOKEN: 'pool' });
    const url = await waiting.health();
    await waitFor('an attempt', () => waiting.output().includes('cannot enrol yet'));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    service.intercept = undefined;
    await waiting.ready();
    service.intercept = (_, response) => response.writeHead(503).end();
    const told = spawn(['--credentials-file', join(home, 'other.json')], { PLANTON_RUNNER_TOKEN: 'pool' });
    await waitFor('an attempt', () => told.output().includes('cannot enrol yet'));
    told.child.kill('SIGTERM');
    expect(await told.ended).toBe(0);
  });
});

describe('as the platform runner', () => {
  /** Answers certificate requests as the server does, over the channel between the two. */
  function serve(runner: SpawnedRunner): { readonly requests: string[] } {
    const requests: string[] = [];
    runner.child.on('message', async (message: { readonly certificateRequest: string }) => {
      requests.push(message.certificateRequest);
      const { authority, gateway } = rig();
      const instanceUid = `platform-${requests.length}`;
      const issued = await authority.issueInstance(publicKeyPem(message.certificateRequest), {
        instanceUid,
        generation: 1,
      });
      runner.child.send({
        instanceUid,
        gatewayAddress: gateway.address,
        certificate: issued.certificate,
        caBundle: issued.caBundle,
        generation: 1,
        expireTime: new Date(Date.now() + 86_400_000).toISOString(),
        renewAfterTime: new Date(Date.now() + 43_200_000).toISOString(),
      });
    });
    return { requests };
  }
  const spawnPlatform = () => spawn(['--platform'], {}, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });

  test('enrols over the channel to the server, keeps its key in memory, and takes work', async () => {
    const { gateway, service } = rig();
    const runner = spawnPlatform();
    const { requests } = serve(runner);
    await runner.ready();
    const session = await gateway.session(0);
    expect(session.instanceUid).toBe('platform-1');
    expect(requests).toHaveLength(1);
    expect(requests[0]).not.toContain('PRIVATE');
    expect(service.calls).toEqual({ enroll: 0, recover: 0 });
    session.assign('op', {
      case: 'verifyAwsAccess',
      value: {
        accountId: '123456789012',
        region: 'us-west-2',
        authentication: { method: { case: 'defaultChain', value: {} } },
      },
    });
    expect((await session.result('op')).outcome).toMatchObject({
      case: 'failed',
      value: { reason: 'DEFAULT_CHAIN_REFUSED' },
    });
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
    expect(existsSync(join(home, '.planton'))).toBe(false);
  });

  test('ends as soon as the server is gone', async () => {
    const runner = spawnPlatform();
    serve(runner);
    await runner.ready();
    runner.child.disconnect();
    expect(await runner.ended).toBe(0);
  });

  test('becomes another instance where the gateway does not know it any more', async () => {
    const { gateway } = rig();
    const runner = spawnPlatform();
    serve(runner);
    (await gateway.session(0)).goodbye('REVOKED');
    expect((await gateway.session(1)).instanceUid).toBe('platform-2');
  });

  test('is started by a server alone', async () => {
    const runner = spawn(['--platform']);
    expect(await runner.ended).toBe(2);
    expect(runner.output()).toContain('hint: planton server start');
  });

  test('does not take an answer that is none', async () => {
    const runner = spawnPlatform();
    runner.child.on('message', () => runner.child.send({ certificate: 'nonsense' }));
    expect(await runner.ended).toBe(1);
    expect(runner.output()).toContain("error: the server's answer cannot be used");
  });
});
