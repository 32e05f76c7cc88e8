import { createTestAuthority } from '@planton/enrolment/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { type Relay, startRelay } from '../testing/start-relay.ts';
import { heldKind, useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';

const rig = useRunner();
const ping = { case: 'ping', value: {} } as const;

describe('comes back', () => {
  test('after its connection was cut, again and again', async () => {
    const { gateway, start, open } = rig();
    const runner = await start();
    for (let i = 0; i < 5; i++) (await gateway.session(i)).cut();
    await gateway.session(5);
    await open(runner);
  });

  test('when the gateway was away for a while', async () => {
    const { gateway, start, open, log } = rig();
    const runner = await start();
    await gateway.session(0);
    await gateway.stop();
    await waitFor('some failures', () => log.text().split('cannot be reached').length > 3);
    expect(runner.state().phase).not.toBe('open');
    await gateway.start();
    await gateway.session(1);
    await open(runner);
  });

  test.each(['SHUTDOWN', 'UNAVAILABLE', 'TOO_MANY_SESSIONS', 'IDLE', 'PROTOCOL'] as const)(
    'after a goodbye for %s',
    async (reason) => {
      const { gateway, start } = rig();
      await start();
      (await gateway.session(0)).goodbye(reason);
      (await gateway.session(1)).assign('op', ping);
      await (await gateway.session(1)).result('op');
    },
  );

  test('when no welcome comes in time', async () => {
    const { gateway, start, log } = rig();
    gateway.does.welcome = false;
    await start({ timing: { welcomeLimitMs: 100 } });
    await gateway.session(1);
    expect(log.text()).toContain('no welcome came');
    gateway.does.welcome = true;
    const { length } = gateway.sessions;
    (await gateway.session(length)).assign('op', ping);
  });

  test('when the gateway does not say what it keeps', async () => {
    const { gateway, start, log } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind], timing: { welcomeLimitMs: 200 } });
    const first = await gateway.session(0);
    first.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    gateway.does.welcome = false;
    first.cut();
    const second = await gateway.session(1);
    second.send({ case: 'welcome', value: { sessionUid: 's', gatewayUid: 'g' } });
    gateway.does.welcome = true;
    await gateway.session(2);
    expect(log.text()).toContain('did not say which attempts it keeps');
    expect(held.aborted).toEqual([]);
  });
});

describe('a network that goes away without a word', () => {
  let relay: Relay | undefined;
  afterEach(() => relay?.stop());

  const quick = { pingIntervalMs: 100, pingTimeoutMs: 100 };

  test.each([
    ['both ways', 'freeze', quick],
    ['on the way back', 'freezeAnswers', quick],
  ] as const)('%s, is noticed', async (_, how, timing) => {
    const { gateway, start, enrolled, open } = rig();
    relay = await startRelay(gateway.address);
    const credentials = { ...(await enrolled()), gatewayAddress: relay.address };
    const runner = await start({ credentials, timing });
    await open(runner);
    relay[how]();
    await waitFor('the loss', () => runner.state().phase !== 'open');
    relay.thaw();
    await gateway.session(1);
    await open(runner);
  });

  test('a connection that is answered by pings alone stays', async () => {
    const { gateway, start, open } = rig();
    const runner = await start({ timing: quick });
    await open(runner);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(runner.state().phase).toBe('open');
    expect(gateway.sessions).toHaveLength(1);
  });

  test('a handshake that is never answered ends in time', async () => {
    const { gateway, start, enrolled, log } = rig();
    relay = await startRelay(gateway.address);
    relay.freeze();
    const credentials = { ...(await enrolled()), gatewayAddress: relay.address };
    await start({ credentials, timing: { dialLimitMs: 100 } });
    await waitFor('several attempts', () => (relay?.connections() ?? 0) > 2);
    expect(log.text()).toContain('did not answer within 0.1 s');
  });
});

describe('the protocol', () => {
  test.each([
    ['a gap', 5n],
    ['a repetition', 1n],
    ['zero', 0n],
  ])('%s in the numbers ends the session with a goodbye', async (_, sequence) => {
    const { gateway, start } = rig();
    await start();
    const first = await gateway.session(0);
    first.sendRaw(sequence, { case: 'reconcile', value: {} });
    expect(await first.frame('goodbye')).toMatchObject({ reason: 3 });
    await gateway.session(1);
  });

  test('what comes after a violation is not obeyed', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const first = await gateway.session(0);
    first.sendRaw(9n, { case: 'drain', value: {} });
    first.assign('op', ping);
    await gateway.session(1);
    expect(held.begun).toEqual([]);
  });

  test('a frame of a later release is passed over', async () => {
    const { gateway, start, log } = rig();
    await start();
    const session = await gateway.session(0);
    session.sendRaw(2n, undefined);
    session.sendRaw(3n, {
      case: 'assignment',
      value: { attempt: { operationUid: 'op', attempt: 1 }, input: { kind: ping }, timeout: { seconds: 5n } },
    });
    await session.result('op');
    expect(log.text()).toContain('does not know');
  });

  test('a message that is too large ends the session and nothing else', async () => {
    const { gateway, start } = rig();
    await start();
    (await gateway.session(0)).goodbye('IDLE');
    const second = await gateway.session(1);
    second.send({ case: 'welcome', value: { sessionUid: 'x'.repeat(2_000_000) } });
    const third = await gateway.session(2);
    third.assign('op', ping);
    await third.result('op');
  });
});

describe('a gateway that is not the right one', () => {
  test('with a certificate of a foreign authority learns nothing, and is not taken', async () => {
    const { gateway, service, start, log } = rig();
    const foreign = await createTestAuthority('foreign');
    gateway.show(await foreign.issueGateway({ hosts: ['127.0.0.1'] }));
    await start();
    await waitFor('some attempts', () => service.calls.recover > 0);
    expect(gateway.sessions).toEqual([]);
    expect(log.text()).toContain('not signed by an authority of the platform');
  });

  test('with the certificate of a runner is not taken: instances are no gateways', async () => {
    const { authority, gateway, start, log } = rig();
    gateway.show(await authority.issueGateway({ hosts: ['127.0.0.1'], usage: 'clientAuth' }));
    await start();
    await waitFor('a refusal', () => log.text().includes('not signed by an authority'));
    expect(gateway.sessions).toEqual([]);
  });

  test('with a certificate for another host is not taken', async () => {
    const { authority, gateway, start, log } = rig();
    gateway.show(await authority.issueGateway({ hosts: ['gateway.example.com', '10.0.0.1'] }));
    await start();
    await waitFor('a refusal', () => log.text().includes('is for another host'));
    expect(gateway.sessions).toEqual([]);
  });

  test('with a certificate that is not valid by the clock here, says so', async () => {
    const { authority, gateway, start, log } = rig();
    const hour = 3_600_000;
    const times = { notBefore: new Date(Date.now() - 2 * hour), notAfter: new Date(Date.now() - hour) };
    gateway.show(await authority.issueGateway({ hosts: ['127.0.0.1'], ...times }));
    await start();
    await waitFor('a refusal', () => log.text().includes('set the clock of this machine'));
    expect(gateway.sessions).toEqual([]);
  });

  test('is not taken either where Node is told to look away', async () => {
    const { gateway, start, log } = rig();
    gateway.show(await (await createTestAuthority()).issueGateway({ hosts: ['127.0.0.1'] }));
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await start();
      await waitFor('a refusal', () => log.text().includes('not signed by an authority'));
      expect(gateway.sessions).toEqual([]);
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
  });

  test('that speaks no TLS is no gateway', async () => {
    const { service, start, enrolled, log } = rig();
    const credentials = { ...(await enrolled()), gatewayAddress: service.url.replace('http://', '') };
    await start({ credentials });
    await waitFor('a refusal', () => log.text().includes('does not speak TLS'));
  });
});
