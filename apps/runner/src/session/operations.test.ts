import { OperationErrorKind, OperationKind, OperationStepState } from '@planton/api/runner/v1/operation';
import { describe, expect, test } from 'vitest';
import { OperationFailed } from '../operations/operation-failed.ts';
import { heldKind, pingKind, useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';
import { VERSION } from '../version.ts';

const rig = useRunner();
const ping = { case: 'ping', value: {} } as const;

describe('a session', () => {
  test('begins with one hello that says who and what the runner is', async () => {
    const { gateway, start } = rig();
    await start({ maxInFlight: 7 });
    const session = await gateway.session(0);
    expect(session.hello).toMatchObject({
      version: VERSION,
      maxInFlight: 7,
      kinds: [
        OperationKind.PING,
        OperationKind.VERIFY_AWS_ACCESS,
        OperationKind.ISSUE_AWS_CREDENTIALS,
        OperationKind.DESCRIBE_AWS_IDENTITY,
        OperationKind.VERIFY_AWS_TRUST,
      ],
      inFlight: [],
      unacknowledged: [],
    });
    expect(session.hello.processUid).not.toBe('');
    expect(session.hello.host?.cpus).toBeGreaterThan(0);
    session.assign('op', ping);
    await session.result('op');
    expect(session.sequences).toEqual(session.sequences.map((_, index) => BigInt(index + 1)));
    expect(session.frames.filter((frame) => frame.case === 'hello')).toHaveLength(1);
  });

  test('sends heartbeats at the interval of the gateway', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await waitFor('a heartbeat with the operation', () =>
      session.frames.some((frame) => frame.case === 'heartbeat' && frame.value.inFlight === 1),
    );
    held.release('op');
    await waitFor(
      'three heartbeats',
      () => session.frames.filter((frame) => frame.case === 'heartbeat').length > 2,
    );
  });
});

describe('an operation', () => {
  test('is accepted, told step by step, and its result sent once when it is acknowledged', async () => {
    const { gateway, start } = rig();
    const kind = pingKind(async ({ step }) => {
      step('looking', 'RUNNING');
      step('looking', 'PASSED', 'found it');
    });
    await start({ kinds: [kind] });
    const session = await gateway.session(0);
    session.assign('op', ping, { attempt: 3 });
    const result = await session.result('op');
    expect(result.attempt).toMatchObject({ operationUid: 'op', attempt: 3 });
    expect(result.outcome).toMatchObject({
      case: 'succeeded',
      value: { kind: { case: 'ping', value: { version: VERSION } } },
    });
    const about = session.frames.filter(({ case: name }) =>
      ['accepted', 'output', 'result'].includes(name ?? ''),
    );
    expect(about.map(({ case: name }) => name)).toEqual(['accepted', 'output', 'output', 'result']);
    expect(about[2]).toMatchObject({
      value: {
        attempt: { attempt: 3 },
        step: { name: 'looking', state: OperationStepState.PASSED, detail: 'found it' },
      },
    });
    session.cut();
    const again = await gateway.session(1);
    expect(again.hello).toMatchObject({ inFlight: [], unacknowledged: [] });
    again.assign('other', ping);
    await again.result('other');
    expect(again.results('op')).toEqual([]);
  });

  test('of a kind that this release does not know is refused', async () => {
    const { gateway, start } = rig();
    await start({ kinds: [] });
    const session = await gateway.session(0);
    session.assign('op', ping);
    expect((await session.result('op')).outcome).toMatchObject({
      case: 'failed',
      value: { kind: OperationErrorKind.REFUSED, reason: 'KIND_UNKNOWN' },
    });
  });

  test('that fails says why, cut to what the contract takes', async () => {
    const { gateway, start } = rig();
    const kind = pingKind(async ({ step }) => {
      step('x'.repeat(500), 'FAILED', `${'🦊'.repeat(3_000)}\0`);
      throw new OperationFailed('TRANSIENT', 'TRY_AGAIN', 'm'.repeat(3_000), { hint: 'h'.repeat(600) });
    });
    await start({ kinds: [kind] });
    const session = await gateway.session(0);
    session.assign('op', ping);
    const { outcome } = await session.result('op');
    if (outcome.case !== 'failed') throw new Error('it did not fail');
    expect(outcome.value).toMatchObject({ kind: OperationErrorKind.TRANSIENT, reason: 'TRY_AGAIN' });
    expect(outcome.value.message).toHaveLength(2_000);
    expect(outcome.value.hint).toHaveLength(500);
    const { step } = await session.frame('output');
    expect(step?.name).toHaveLength(200);
    expect(Array.from(step?.detail ?? '')).toHaveLength(2_000);
    expect(step?.detail).not.toContain('\0');
  });

  test('that crashes is a fault of the runner, without what it worked with', async () => {
    const { gateway, start, log } = rig();
    const kind = pingKind(async () => {
      throw Object.assign(new Error('canary-secret in a message'), { request: 'canary-secret' });
    });
    await start({ kinds: [kind] });
    const session = await gateway.session(0);
    session.assign('op', ping);
    const { outcome } = await session.result('op');
    expect(outcome).toMatchObject({
      case: 'failed',
      value: { kind: OperationErrorKind.INTERNAL, reason: 'RUNNER_FAULT' },
    });
    expect(JSON.stringify(outcome)).not.toContain('canary');
    expect(log.text()).toContain('a fault of the runner');
    expect(log.text()).toContain('operations.test.ts');
    expect(log.text()).not.toContain('canary');
    session.assign('next', ping);
    await session.result('next');
  });

  test('that takes too long ends at its time, and is told to stop', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const session = await gateway.session(0);
    session.assign('op', ping, { timeoutMs: 50 });
    expect((await session.result('op')).outcome).toMatchObject({
      case: 'failed',
      value: { kind: OperationErrorKind.DEADLINE, reason: 'OPERATION_DEADLINE' },
    });
    expect(held.aborted).toEqual(['op']);
    held.release('op');
    session.assign('next', ping);
    held.release('next');
    await waitFor('the next', () => held.begun.includes('next'));
    expect(session.results('op')).toHaveLength(1);
  });

  test('that is cancelled ends, and cancelling what is unknown does nothing', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    session.send({ case: 'cancel', value: { attempt: { operationUid: 'op', attempt: 2 } } });
    session.send({ case: 'cancel', value: { attempt: { operationUid: 'other', attempt: 1 } } });
    session.send({ case: 'ack', value: { attempt: { operationUid: 'op', attempt: 1 } } });
    session.send({ case: 'cancel', value: { attempt: { operationUid: 'op', attempt: 1 } } });
    expect((await session.result('op')).outcome.case).toBe('cancelled');
    expect(held.aborted).toEqual(['op']);
  });

  test('tells no more than 200 steps', async () => {
    const { gateway, start } = rig();
    const kind = pingKind(async ({ step }) => {
      for (let i = 0; i < 300; i++) step(`step ${i}`, 'PASSED');
    });
    await start({ kinds: [kind] });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    expect(session.frames.filter((frame) => frame.case === 'output')).toHaveLength(200);
  });
});

describe('room', () => {
  test('beyond it operations are handed back at once', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind], maxInFlight: 2 });
    const session = await gateway.session(0);
    for (const uid of ['a', 'b', 'c']) session.assign(uid, ping);
    expect((await session.result('c')).outcome.case).toBe('handedBack');
    expect(held.begun).toEqual(['a', 'b']);
    held.release('a');
    await session.result('a');
    session.assign('c', ping, { attempt: 2 });
    await waitFor('the second attempt', () => held.begun.includes('c'));
  });

  test('an attempt that is known is not begun again; a later one takes its place', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const session = await gateway.session(0);
    session.assign('op', ping, { attempt: 2 });
    await waitFor('the beginning', () => held.begun.length === 1);
    session.assign('op', ping, { attempt: 2 });
    session.assign('op', ping, { attempt: 1 });
    session.assign('op', ping, { attempt: 3 });
    await waitFor('the later attempt', () => held.begun.length === 2);
    expect(held.aborted).toEqual(['op']);
    held.release('op');
    const result = await session.result('op');
    expect(result.attempt?.attempt).toBe(3);
    expect(session.results('op')).toHaveLength(1);
  });
});

describe('results', () => {
  test('come again on every session until they are acknowledged', async () => {
    const { gateway, start } = rig();
    gateway.does.acknowledge = false;
    const runner = await start();
    const first = await gateway.session(0);
    first.assign('op', ping);
    const result = await first.result('op');
    first.cut();
    const second = await gateway.session(1);
    expect(second.hello.unacknowledged).toMatchObject([{ operationUid: 'op', attempt: 1 }]);
    expect(await second.result('op')).toEqual(result);
    second.send({ case: 'ack', value: { attempt: { operationUid: 'op', attempt: 1 } } });
    await rig().open(runner);
    second.assign('after', ping);
    await second.result('after');
    second.cut();
    const third = await gateway.session(2);
    expect(third.hello.unacknowledged).toMatchObject([{ operationUid: 'after' }]);
    await third.result('after');
    expect(third.results('op')).toEqual([]);
  });

  test('that came while there was no session are sent on the next', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const first = await gateway.session(0);
    first.assign('op', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    await gateway.stop();
    held.release('op');
    await gateway.start();
    const second = await gateway.session(1);
    expect((await second.result('op')).outcome.case).toBe('succeeded');
    expect(held.begun).toEqual(['op']);
  });

  test('an acknowledgement of another attempt acknowledges nothing', async () => {
    const { gateway, start } = rig();
    gateway.does.acknowledge = false;
    await start();
    const first = await gateway.session(0);
    first.assign('op', ping, { attempt: 2 });
    await first.result('op');
    first.send({ case: 'ack', value: { attempt: { operationUid: 'op', attempt: 1 } } });
    first.assign('last', ping);
    await first.result('last');
    first.cut();
    expect((await gateway.session(1)).hello.unacknowledged.map(({ operationUid }) => operationUid)).toEqual([
      'op',
      'last',
    ]);
  });

  test('a result that is asked for again comes again', async () => {
    const { gateway, start } = rig();
    gateway.does.acknowledge = false;
    await start();
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    session.assign('op', ping);
    await waitFor('a second result', () => session.results('op').length === 2);
  });
});

describe('reconcile', () => {
  test('ends what is no longer the runner’s, without a result, and keeps the rest', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const first = await gateway.session(0);
    for (const uid of ['kept', 'lost']) first.assign(uid, ping);
    await waitFor('both', () => held.begun.length === 2);
    gateway.does.keep = (uid) => uid !== 'lost';
    first.cut();
    const second = await gateway.session(1);
    expect(second.hello.inFlight.map(({ operationUid }) => operationUid)).toEqual(['kept', 'lost']);
    await waitFor('the end of the lost one', () => held.aborted.includes('lost'));
    expect(held.aborted).toEqual(['lost']);
    held.release('lost');
    held.release('kept');
    expect((await second.result('kept')).outcome.case).toBe('succeeded');
    expect(second.results('lost')).toEqual([]);
    second.cut();
    expect((await gateway.session(2)).hello).toMatchObject({ inFlight: [], unacknowledged: [] });
  });

  test('drops results that nobody wants', async () => {
    const { gateway, start } = rig();
    gateway.does.acknowledge = false;
    gateway.does.keep = () => false;
    await start();
    const first = await gateway.session(0);
    first.assign('op', ping);
    await first.result('op');
    first.cut();
    const second = await gateway.session(1);
    second.assign('other', ping);
    await second.result('other');
    expect(second.results('op')).toEqual([]);
  });

  test('says nothing about what was begun after the hello', async () => {
    const { gateway, start } = rig();
    const held = heldKind();
    await start({ kinds: [held.kind] });
    const first = await gateway.session(0);
    first.assign('old', ping);
    await waitFor('the beginning', () => held.begun.length === 1);
    gateway.does.welcome = false;
    first.cut();
    const second = await gateway.session(1);
    second.send({ case: 'welcome', value: { sessionUid: 's', gatewayUid: 'g' } });
    second.assign('new', ping);
    second.send({ case: 'reconcile', value: { keep: [] } });
    await waitFor('the new one', () => held.begun.includes('new'));
    held.release('new');
    expect((await second.result('new')).outcome.case).toBe('succeeded');
    expect(held.aborted).toEqual(['old']);
  });
});
