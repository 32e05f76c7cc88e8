import { OperationErrorKind } from '@planton/api/runner/v1/operation';
import { RunnerGoodbyeReason } from '@planton/api/runner/v1/session';
import { describe, expect, test } from 'vitest';
import { heldKind, useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';

const rig = useRunner();
const ping = { case: 'ping', value: {} } as const;

describe('a runner that is told to end', () => {
  test('says goodbye and ends, where it has nothing to do', async () => {
    const { gateway, start, open } = rig();
    const runner = await start();
    await open(runner);
    expect(await runner.stop()).toEqual({ kind: 'stopped' });
    const session = await gateway.session(0);
    expect(await session.frame('goodbye')).toMatchObject({ reason: RunnerGoodbyeReason.SHUTDOWN });
    expect(session.frames.at(-1)?.case).toBe('goodbye');
    expect(gateway.sessions).toHaveLength(1);
    expect(runner.state()).toEqual({ phase: 'ended' });
  });

  test('finishes what it has, takes nothing more, and waits until that is on record', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    gateway.does.acknowledge = false;
    const runner = await start({ kinds: [held.kind] });
    const session = await gateway.session(0);
    session.assign('begun', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    let hasEnded = false;
    const stopped = runner.stop().then(() => {
      hasEnded = true;
    });
    session.assign('late', ping);
    expect((await session.result('late')).outcome.case).toBe('handedBack');
    held.release('begun');
    expect((await session.result('begun')).outcome.case).toBe('succeeded');
    session.send({ case: 'ack', value: { attempt: { operationUid: 'begun', attempt: 1 } } });
    await session.frame('heartbeat');
    expect(hasEnded).toBe(false);
    expect(session.frames.some((frame) => frame.case === 'goodbye')).toBe(false);
    session.send({ case: 'ack', value: { attempt: { operationUid: 'late', attempt: 1 } } });
    await stopped;
    expect(held.begun).toEqual(['begun']);
    expect(session.frames.at(-1)?.case).toBe('goodbye');
  });

  test('hands back in time what may be repeated', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    const runner = await start({ kinds: [held.kind], timing: { drainLimitMs: 20_000, handBackMs: 19_900 } });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    await runner.stop();
    expect((await session.result('op')).outcome.case).toBe('handedBack');
    expect(held.aborted).toEqual(['op']);
  });

  test('says that it was shut down for what may not be repeated', async () => {
    const { gateway, start } = rig();
    const held = heldKind({ repeatable: false });
    const runner = await start({ kinds: [held.kind], timing: { drainLimitMs: 20_000, handBackMs: 19_900 } });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    await runner.stop();
    expect((await session.result('op')).outcome).toMatchObject({
      case: 'failed',
      value: { kind: OperationErrorKind.INTERNAL, reason: 'RUNNER_SHUTDOWN' },
    });
  });

  test('delivers what waits even where it has to connect for it', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    const runner = await start({ kinds: [held.kind] });
    const first = await gateway.session(0);
    first.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    await gateway.stop();
    const stopped = runner.stop();
    held.release('op');
    await gateway.start();
    const second = await gateway.session(1);
    expect((await second.result('op')).outcome.case).toBe('succeeded');
    expect(await stopped).toEqual({ kind: 'stopped' });
    expect(await second.frame('goodbye')).toMatchObject({ reason: RunnerGoodbyeReason.SHUTDOWN });
  });

  test('ends at its limit where nobody takes what waits', async () => {
    const { gateway, start, log } = rig();
    gateway.does.acknowledge = false;
    const runner = await start({ timing: { drainLimitMs: 300, handBackMs: 100 } });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    expect(await runner.stop()).toEqual({ kind: 'stopped' });
    expect(log.text()).toContain('not everything could be delivered');
  });

  test('ends at once while it has no session and nothing to deliver', async () => {
    const { gateway, start } = rig();
    await gateway.stop();
    const runner = await start({ timing: { backoff: { baseMs: 3_600_000, capMs: 3_600_000 } } });
    await waitFor('the pause', () => runner.state().phase === 'waiting');
    expect(await runner.stop()).toEqual({ kind: 'stopped' });
  });

  test('ends while it dials', async () => {
    const { start, enrolled } = rig();
    // An address of a network that is for documentation: nobody answers, or there is no way there at all.
    const runner = await start({ credentials: { ...(await enrolled()), gatewayAddress: '192.0.2.1:9' } });
    expect(await runner.stop()).toEqual({ kind: 'stopped' });
  });

  test('can be told twice', async () => {
    const runner = await rig().start();
    await rig().open(runner);
    expect(await Promise.all([runner.stop(), runner.stop()])).toEqual([
      { kind: 'stopped' },
      { kind: 'stopped' },
    ]);
  });
});

describe('a gateway that drains', () => {
  test('is left once everything is on record, and another is connected to', async () => {
    const { gateway, start, open } = rig();
    const held = heldKind();
    const runner = await start({ kinds: [held.kind] });
    const first = await gateway.session(0);
    first.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    first.send({ case: 'drain', value: { timeout: { seconds: 30n } } });
    first.assign('late', ping);
    expect((await first.result('late')).outcome.case).toBe('handedBack');
    expect(runner.state()).toEqual({ phase: 'draining', why: 'gateway' });
    held.release('op');
    expect(await first.frame('goodbye')).toMatchObject({ reason: RunnerGoodbyeReason.DRAINED });
    const second = await gateway.session(1);
    await open(runner);
    second.assign('new', ping);
    await waitFor('new work', () => held.begun.includes('new'));
  });

  test.each([
    ['says goodbye at its limit', true],
    ['never says goodbye', false],
  ])('that %s, is left without giving up what still runs', async (_, saysGoodbye) => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind], timing: { partingMs: 100 } });
    const first = await gateway.session(0);
    first.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    first.send({ case: 'drain', value: { timeout: { nanos: 100_000_000 } } });
    if (saysGoodbye) first.goodbye('SHUTDOWN');
    const second = await gateway.session(1);
    expect(first.frames.some((frame) => frame.case === 'goodbye')).toBe(false);
    expect(second.hello.inFlight).toMatchObject([{ operationUid: 'op', attempt: 1 }]);
    held.release('op');
    expect((await second.result('op')).outcome.case).toBe('succeeded');
    expect(held.aborted).toEqual([]);
  });
});
