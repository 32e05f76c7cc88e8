import { EnrolmentError, type RunnerCredentials } from '@planton/enrolment';
import { createTestAuthority, makeCredentials, publicKeyPem } from '@planton/enrolment/testing';
import { describe, expect, test } from 'vitest';
import { heldKind, useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';

const rig = useRunner();
const ping = { case: 'ping', value: {} } as const;
const hour = 3_600_000;
const ago = (ms: number) => new Date(Date.now() - ms);

/** Keeps credentials as a file would. */
function keeper() {
  const kept: RunnerCredentials[] = [];
  return { kept, keep: async (next: RunnerCredentials) => void kept.push(next) };
}

describe('renewal', () => {
  test('happens on the live session, is kept, and the next connection uses it', async () => {
    const { gateway, service, start, open } = rig();
    gateway.does.renewAfterTime = ago(hour);
    gateway.does.renew = (uid) => service.renew(uid);
    const { kept, keep } = keeper();
    const held = heldKind();
    const runner = await start({ keep, kinds: [held.kind] });
    const first = await gateway.session(0);
    expect(first.generation).toBe(1);
    first.assign('op', ping);
    await waitFor('a renewal', () => kept.length > 0);
    expect(kept[0]).toMatchObject({ generation: 2, instanceUid: first.instanceUid });
    await open(runner);
    held.release('op');
    await first.result('op');
    expect(gateway.sessions).toHaveLength(1);
    const { length } = kept;
    first.cut();
    const second = await gateway.session(1);
    expect(second.generation).toBeGreaterThanOrEqual(2);
    expect(second.generation).toBeLessThanOrEqual(kept.length + 1);
    expect(length).toBeGreaterThan(0);
  });

  test('is not asked for before it is due', async () => {
    const { gateway, start, open } = rig();
    let asked = 0;
    gateway.does.renew = async () => {
      asked += 1;
      throw new Error('not due');
    };
    const runner = await start();
    await open(runner);
    const session = await gateway.session(0);
    await waitFor('a few heartbeats', () => session.frames.length > 5);
    expect(asked).toBe(0);
  });

  test('that fails is tried again and does not end the session', async () => {
    const { gateway, service, start, open, log } = rig();
    let asked = 0;
    gateway.does.renewAfterTime = ago(hour);
    gateway.does.renew = async (uid) => {
      asked += 1;
      if (asked < 4) throw new Error('the database is away');
      return service.renew(uid);
    };
    const { kept, keep } = keeper();
    const runner = await start({ keep });
    await open(runner);
    await waitFor('a renewal in the end', () => kept.length > 0);
    expect(asked).toBeGreaterThanOrEqual(4);
    expect(gateway.sessions).toHaveLength(1);
    expect(log.text()).toContain('could not be renewed');
  });

  test('that cannot be kept is not used: the certificate before goes on', async () => {
    const { gateway, service, start, log } = rig();
    gateway.does.renewAfterTime = ago(hour);
    gateway.does.renew = (uid) => service.renew(uid);
    await start({
      keep: async () => {
        throw new Error('no space left on device');
      },
    });
    const first = await gateway.session(0);
    await waitFor('several attempts', () => log.text().split('no space left on device').length > 2);
    first.cut();
    expect((await gateway.session(1)).generation).toBe(1);
  });

  test('for another key is not taken', async () => {
    const { authority, gateway, enrolled, start, log } = rig();
    const other = await enrolled();
    gateway.does.renewAfterTime = ago(hour);
    gateway.does.renew = (instanceUid) =>
      authority.issueInstance(publicKeyPem(other.privateKey), { instanceUid, generation: 2 });
    const { kept, keep } = keeper();
    await start({ keep });
    await waitFor('a refusal', () => log.text().includes('the certificate is for another key'));
    expect(kept).toEqual([]);
  });

  test('is not repeated without a pause where a clock is far ahead', async () => {
    const { gateway, service, start } = rig();
    gateway.does.renew = (uid) => service.renew(uid);
    const { kept, keep } = keeper();
    const years = 5 * 365 * 24 * hour;
    await start({ keep, now: () => new Date(Date.now() + years), timing: { renewalPauseMs: 3_600_000 } });
    await waitFor('the first renewal', () => kept.length > 0);
    const session = await gateway.session(0);
    const { length } = session.frames;
    await waitFor('some time', () => session.frames.length > length + 5);
    expect(kept.length).toBeLessThanOrEqual(2);
  });
});

describe('after a long absence', () => {
  const expired = async () => {
    const { authority, gateway, service } = rig();
    const credentials = await makeCredentials(authority, {
      server: service.url,
      gatewayAddress: gateway.address,
      notBefore: ago(200 * 24 * hour),
      notAfter: ago(193 * 24 * hour),
      renewAfterTime: ago(196 * 24 * hour),
    });
    service.adopt(credentials);
    return credentials;
  };

  test('an expired certificate is replaced first, without a human, and kept', async () => {
    const { gateway, service, start, open } = rig();
    const { kept, keep } = keeper();
    const runner = await start({ credentials: await expired(), keep });
    const session = await gateway.session(0);
    expect(session.generation).toBe(2);
    expect(kept).toMatchObject([{ generation: 2 }]);
    expect(service.calls.recover).toBe(1);
    await open(runner);
  });

  test('it is asked for until the platform answers', async () => {
    const { gateway, service, start } = rig();
    service.intercept = (_, response) => response.writeHead(503).end();
    await start({ credentials: await expired() });
    await waitFor(
      'some attempts',
      () => rig().log.text().split('does not answer as the platform does').length > 3,
    );
    expect(gateway.connections()).toBe(0);
    service.intercept = undefined;
    await gateway.session(0);
  });

  test.each(['RUNNER_REVOKED', 'INSTANCE_LOCKED'] as const)(
    '%s meanwhile ends the runner',
    async (refused) => {
      const { service, start } = rig();
      const credentials = await expired();
      const instance = service.instances.get(credentials.instanceUid);
      if (instance) instance.refused = refused;
      const runner = await start({ credentials });
      expect(await runner.ended).toMatchObject({
        kind: 'disowned',
        message: expect.stringContaining(refused),
      });
    },
  );

  test('new authorities and a new address are learned on the way', async () => {
    const { gateway, service, start, enrolled, authority } = rig();
    const credentials = { ...(await enrolled()), gatewayAddress: '127.0.0.1:1' };
    service.issue = { authority, gatewayAddress: gateway.address };
    gateway.does.slamDoor = false;
    // Nothing answers at the old address; only an expired certificate makes the runner ask.
    const { kept, keep } = keeper();
    await start({ credentials: { ...credentials, expireTime: ago(hour).toISOString() }, keep });
    await gateway.session(0);
    expect(kept[0]?.gatewayAddress).toBe(gateway.address);
  });
});

describe('a certificate that the gateway does not take', () => {
  test('is replaced where the gateway ends every connection without a word', async () => {
    const { gateway, service, start } = rig();
    gateway.does.slamDoor = true;
    await start();
    await waitFor('a recovery', () => service.calls.recover > 0);
    gateway.does.slamDoor = false;
    expect((await gateway.session(0)).generation).toBeGreaterThan(1);
  });

  test('is replaced where the gateway says so, and not again and again', async () => {
    const { gateway, service, start, log } = rig();
    gateway.does.refuse = true;
    await start();
    await waitFor('many refusals', () => log.text().split('does not take the certificate').length > 12);
    expect(service.calls.recover).toBeGreaterThan(0);
    expect(service.calls.recover).toBeLessThan(6);
    gateway.does.refuse = false;
    await gateway.session(0);
  });

  test('of an authority that was replaced: the new authorities come from the API', async () => {
    const { gateway, service, start } = rig();
    const next = await createTestAuthority('next');
    // The gateway's certificate is signed by the next authority, which the runner does not know yet.
    gateway.show(await next.issueGateway({ hosts: ['127.0.0.1'] }));
    service.issue = {
      gatewayAddress: gateway.address,
      authority: {
        ...rig().authority,
        issueInstance: async (key, options) => {
          const issued = await rig().authority.issueInstance(key, options);
          return { ...issued, caBundle: `${issued.caBundle}\n${next.caBundle}` };
        },
      },
    };
    await start();
    await gateway.session(0);
  });
});

describe('a goodbye that ends the runner', () => {
  test.each(['REVOKED', 'LOCKED'] as const)('%s, with what to do', async (reason) => {
    const { gateway, start } = rig();
    const runner = await start();
    (await gateway.session(0)).goodbye(reason);
    expect(await runner.ended).toMatchObject({
      kind: 'disowned',
      message: expect.stringContaining(reason),
      hint: expect.stringContaining('planton runner register'),
    });
    expect(runner.state()).toEqual({ phase: 'ended' });
  });

  test('SUPERSEDED by another process, which goes on', async () => {
    const { gateway, enrolled, start, open } = rig();
    const credentials = await enrolled();
    const one = await start({ credentials });
    await open(one);
    const other = await start({ credentials });
    await open(other);
    gateway.sessions[0]?.goodbye('SUPERSEDED');
    expect(await one.ended).toMatchObject({
      kind: 'superseded',
      hint: expect.stringContaining('PLANTON_RUNNER_TOKEN'),
    });
    expect(other.state().phase).toBe('open');
  });

  test('SUPERSEDED right after a hello that was not answered is no other process', async () => {
    const { gateway, start, open } = rig();
    gateway.does.welcome = false;
    const runner = await start({ timing: { welcomeLimitMs: 100 } });
    await gateway.session(0);
    gateway.does.welcome = true;
    await open(runner);
    const { length } = gateway.sessions;
    gateway.sessions.at(-1)?.goodbye('SUPERSEDED');
    await gateway.session(length);
    await open(runner);
    gateway.sessions.at(-1)?.goodbye('SUPERSEDED');
    expect(await runner.ended).toMatchObject({ kind: 'superseded' });
  });
});

describe('an ephemeral instance', () => {
  test.each(['REVOKED', 'LOCKED'] as const)('that is %s enrols anew', async (reason) => {
    const { gateway, enrolled, start } = rig();
    const runner = await start({ enrol: () => enrolled() });
    const first = await gateway.session(0);
    first.goodbye(reason);
    const second = await gateway.session(1);
    expect(second.instanceUid).not.toBe(first.instanceUid);
    await rig().open(runner);
  });

  test('whose token is not taken any more ends', async () => {
    const { gateway, start } = rig();
    let asked = 0;
    const runner = await start({
      enrol: async () => {
        asked += 1;
        if (asked < 3) throw new EnrolmentError('unavailable', 'SERVER_UNREACHABLE', 'not now');
        throw new EnrolmentError('refused', 'RUNNER_TOKEN_REFUSED', 'the token was revoked');
      },
    });
    (await gateway.session(0)).goodbye('REVOKED');
    expect(await runner.ended).toMatchObject({
      kind: 'disowned',
      message: expect.stringContaining('the token was revoked'),
    });
    expect(asked).toBe(3);
  });

  test('carries nothing over that its new self has not', async () => {
    const { gateway, enrolled, start } = rig();
    const held = heldKind();
    await start({ enrol: () => enrolled(), kinds: [held.kind] });
    const first = await gateway.session(0);
    first.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    gateway.does.keep = () => false;
    first.goodbye('REVOKED');
    await gateway.session(1);
    await waitFor('its end', () => held.aborted.includes('op'));
    expect(gateway.sessions[1]?.results('op')).toEqual([]);
  });
});

test('the clock of the server is compared where the platform is asked', async () => {
  const { gateway, start, enrolled, log } = rig();
  const credentials = { ...(await enrolled()), expireTime: ago(hour).toISOString() };
  await start({ credentials, now: () => new Date(Date.now() + 600_000) });
  await gateway.session(0);
  expect(log.text()).toContain("the clock of this machine is ahead of the server's");
});

test('no key, certificate or token is ever logged', async () => {
  const { gateway, service, start, log } = rig();
  gateway.does.renewAfterTime = ago(hour);
  gateway.does.renew = (uid) => service.renew(uid);
  const { kept, keep } = keeper();
  const runner = await start({ keep });
  await waitFor('a renewal', () => kept.length > 0);
  (await gateway.session(0)).cut();
  await gateway.session(1);
  await runner.stop();
  const body = kept[0]?.privateKey.split('\n')[1] ?? 'no key';
  expect(log.text()).not.toContain(body);
  expect(log.text()).not.toContain('PRIVATE KEY');
  expect(log.text()).not.toContain('BEGIN CERTIFICATE');
});
