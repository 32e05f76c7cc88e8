import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { credentialsFile, readCredentials } from '@planton/enrolment';
import { publicKeyPem } from '@planton/enrolment/testing';
import { describe, expect, test } from 'vitest';
import type { SpawnedRunner } from '../testing/spawn-runner.ts';
import { useProgram } from '../testing/use-program.ts';
import { useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';

const rig = useRunner();
const program = useProgram(rig);

describe('with a token', () => {
  test('enrols once, keeps the credentials, and needs no token again', async () => {
    const { gateway, service } = rig();
    service.tokens.set('one-token', 'single-use');
    const first = program().spawn([], { PLANTON_RUNNER_TOKEN: 'one-token' });
    await first.ready();
    const file = credentialsFile(join(program().home, '.planton'), 'acme', 'runner-1');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { instanceUid } = await readCredentials(file);
    expect(service.instances.get(instanceUid)).toMatchObject({ ephemeral: false });
    first.child.kill('SIGTERM');
    await first.ended;
    const second = program().spawn([], { PLANTON_RUNNER_TOKEN: 'one-token' });
    await second.ready();
    expect(service.calls.enroll).toBe(1);
    expect(gateway.sessions.map((session) => session.instanceUid)).toEqual([instanceUid, instanceUid]);
    expect(first.output() + second.output()).not.toContain('one-token');
  });

  test('keeps them where the settings say', async () => {
    const { service } = rig();
    service.tokens.set('pool', 'pool');
    const file = join(program().home, 'data', 'me.json');
    const runner = program().spawn(['--credentials-file', file], { PLANTON_RUNNER_TOKEN: 'pool' });
    await runner.ready();
    expect((await readCredentials(file)).runner).toBe('runner-1');
    expect(existsSync(join(program().home, '.planton'))).toBe(false);
  });

  test('is an ephemeral instance where nothing can be written, and enrols anew once it is revoked', async () => {
    const { gateway, service } = rig();
    service.tokens.set('pool', 'pool');
    const env = { PLANTON_RUNNER_TOKEN: 'pool', PLANTON_CONFIG_HOME: '/dev/null/nowhere' };
    const runner = program().spawn([], env);
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
      const runner = program().spawn([], env);
      const { instanceUid } = await gateway.session(start);
      expect(service.instances.get(instanceUid)).toMatchObject({ ephemeral: true });
      runner.child.kill('SIGTERM');
      await runner.ended;
    }
    expect(service.calls.enroll).toBe(2);
    expect(existsSync(join(program().home, '.planton'))).toBe(false);
  });

  test('waits for a platform that is away, lives meanwhile, and ends when it is told to', async () => {
    const { service } = rig();
    service.tokens.set('pool', 'pool');
    service.intercept = (_, response) => response.writeHead(503).end();
    const waiting = program().spawn([], { PLANTON_RUNNER_TOKEN: 'pool' });
    const url = await waiting.health();
    await waitFor('an attempt', () => waiting.output().includes('cannot enrol yet'));
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    service.intercept = undefined;
    await waiting.ready();
    service.intercept = (_, response) => response.writeHead(503).end();
    const told = program().spawn(['--credentials-file', join(program().home, 'other.json')], {
      PLANTON_RUNNER_TOKEN: 'pool',
    });
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
  const spawnPlatform = () =>
    program().spawn(['--platform'], {}, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });

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
    expect(existsSync(join(program().home, '.planton'))).toBe(false);
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
    const runner = program().spawn(['--platform']);
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
