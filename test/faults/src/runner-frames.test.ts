import { OperationState } from '@planton/api/runner/v1/operation';
import { AckDisposition, GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import type { RunnerCredentials } from '@planton/enrolment';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { accepted, attemptOf, failure, offences, output } from './offences.ts';
import { envelope, openRawSession, PONG, type RawSession } from './open-raw-session.ts';
import { ORG, type RunnerWorld, startRunnerWorld } from './prepare-runners.ts';
import { waitUntil } from './wait-until.ts';

// A runner with a good certificate that breaks the protocol in every way that frames allow. It loses its session; the runner beside it
// does not notice.

let world: RunnerWorld;
let rogue: RunnerCredentials;
let other: RunnerCredentials;
let silent: RawSession;
const sessions: RawSession[] = [];

const dial = (credentials: RunnerCredentials, options = {}) => {
  const session = openRawSession(credentials, options);
  sessions.push(session);
  return session;
};

beforeAll(async () => {
  world = await startRunnerWorld();
  rogue = await world.enrol('rogue');
  other = await world.enrol('other');
  silent = openRawSession(await world.enrol('silent'));
}, 120_000);
afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});
afterAll(async () => {
  silent?.close();
  await world?.stop();
});

describe('the session ends with a goodbye that says why, and nobody else notices', () => {
  test.each(offences)('%s', async (_name, misbehave, why) => {
    const session = dial(rogue);
    await misbehave(session);
    const { goodbye } = await session.ended();
    expect(goodbye?.message).toMatch(why);
    expect(goodbye?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
    expect(goodbye?.message.length).toBeLessThan(600);
    await world.pingGood();
  });
});

describe('the session ends without a word where none can be said', () => {
  test('the stream ends in the middle of a frame', async () => {
    const session = await dial(rogue).open();
    session.stream.end(envelope(Buffer.alloc(3), 0, 100));
    await session.ended();
    await world.pingGood();
  });

  test('the connection ends in the middle of a frame', async () => {
    const session = await dial(rogue).open();
    session.write(envelope(Buffer.alloc(3), 0, 100));
    session.close();
    await world.pingGood();
    await (await dial(rogue).open()).frames('welcome');
  });

  test('the stream ends before the hello', async () => {
    const session = dial(rogue);
    session.stream.end();
    const { goodbye } = await session.ended();
    expect(goodbye).toBeUndefined();
    await world.pingGood();
  });
});

describe('results', () => {
  /** Gives the runner `rogue` a ping on the session. */
  const give = async (session: RawSession, runner = 'rogue') => {
    const { uid } = await world.submit(runner);
    const assignments = await waitUntil('the assignment', () => {
      const found = session.received.flatMap(({ frame }) =>
        frame.case === 'assignment' ? [frame.value] : [],
      );
      return found.some(({ attempt }) => attempt?.operationUid === uid) && found;
    });
    const attempt = assignments.find(({ attempt }) => attempt?.operationUid === uid)?.attempt;
    return attempt ?? expect.fail('an assignment without an attempt');
  };
  const stateOf = async (uid: string) => (await world.operation(uid)).state;

  test("for another's attempt: refused, and its owner still reports", async () => {
    const owner = await dial(rogue).open();
    const attempt = await give(owner);
    for (const frame of [accepted(attempt.operationUid), output(attempt.operationUid)]) {
      const stranger = await dial(other).open();
      stranger.send(frame);
      expect((await stranger.ended()).goodbye?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
    }
    const sibling = await world.enrol('rogue');
    for (const credentials of [other, sibling]) {
      const stranger = await dial(credentials).open();
      stranger.report(attempt, { case: 'failed', value: failure });
      const { goodbye } = await stranger.ended();
      expect(goodbye?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
      expect(goodbye?.message).toContain("not this instance's");
    }
    // Naming it in the hello does not make it theirs either.
    const claimant = dial(sibling);
    await claimant.open({ inFlight: [attempt], unacknowledged: [attempt] });
    expect((await claimant.frames('reconcile'))[0]?.keep).toEqual([]);
    expect(await stateOf(attempt.operationUid)).toBe(OperationState.RUNNING);

    owner.report(attempt);
    expect((await owner.frames('ack'))[0]?.disposition).toBe(AckDisposition.RECORDED);
    expect(await world.operation(attempt.operationUid)).toMatchObject({
      state: OperationState.SUCCEEDED,
      instanceUid: rogue.instanceUid,
      attempt: 1,
    });
    await world.pingGood();
  });

  test('sent again: acknowledged each time, recorded once', async () => {
    const session = await dial(rogue).open();
    const attempt = await give(session);
    session.report(attempt);
    await session.frames('ack');
    const recorded = await world.operation(attempt.operationUid);
    session.report(attempt);
    session.report(attempt, { case: 'failed', value: failure });
    const acks = await session.frames('ack', 3);
    expect(acks.map(({ disposition }) => disposition)).toEqual([
      AckDisposition.RECORDED,
      AckDisposition.DUPLICATE,
      AckDisposition.DUPLICATE,
    ]);

    session.close();
    const next = dial(rogue);
    await next.open({ unacknowledged: [attempt] });
    next.report(attempt);
    expect((await next.frames('ack'))[0]?.disposition).toBe(AckDisposition.DUPLICATE);
    expect(await world.operation(attempt.operationUid)).toEqual(recorded);
    await world.pingGood();
  });

  test('of another attempt than the one that runs: refused or discarded', async () => {
    const session = await dial(rogue).open();
    const attempt = await give(session);
    session.report({ ...attempt, attempt: 2 });
    expect((await session.ended()).goodbye?.message).toContain("not this instance's");
    session.close();

    const next = dial(rogue);
    await next.open();
    // Its hello did not list it: it comes again, as another attempt.
    const again = (await next.frames('assignment'))[0]?.attempt;
    expect(again).toMatchObject({ operationUid: attempt.operationUid, attempt: 2 });
    next.report(attempt, { case: 'failed', value: failure });
    next.report(again);
    const acks = await next.frames('ack', 2);
    expect(new Map(acks.map((ack) => [ack.attempt?.attempt, ack.disposition]))).toEqual(
      new Map([
        [1, AckDisposition.DISCARDED],
        [2, AckDisposition.RECORDED],
      ]),
    );
    expect(await world.operation(attempt.operationUid)).toMatchObject({
      state: OperationState.SUCCEEDED,
      attempt: 2,
    });
  });

  test('that are not of the kind, or are sealed where nothing is secret: refused', async () => {
    const sealed = { encapsulatedKey: new Uint8Array(32), ciphertext: new Uint8Array(48) };
    const issued = {
      $typeName: 'planton.runner.v1.IssueAwsCredentialsOutput' as const,
      tagged: false,
      arn: 'arn:aws:iam::1:x',
    };
    const wrong: ((session: RawSession, attempt: ReturnType<typeof attemptOf>) => void)[] = [
      (it, attempt) =>
        it.report(attempt, {
          case: 'succeeded',
          value: {
            $typeName: 'planton.runner.v1.OperationOutput',
            kind: { case: 'issueAwsCredentials', value: issued },
          },
        }),
      (it, attempt) =>
        it.send({
          case: 'result',
          value: {
            $typeName: 'planton.runner.v1.Result',
            attempt,
            outcome: PONG,
            sealedOutput: { $typeName: 'planton.runner.v1.SealedOutput', ...sealed },
          },
        }),
      (it, attempt) =>
        it.report(attempt, {
          case: 'succeeded',
          value: { $typeName: 'planton.runner.v1.OperationOutput', kind: { case: undefined } },
        }),
    ];
    for (const report of wrong) {
      const session = await dial(rogue).open();
      report(session, attemptOf((await give(session)).operationUid));
      expect((await session.ended()).goodbye?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
      session.close();
    }
    // What was running then is delivered again, whatever number it has by now.
    const cleaner = dial(rogue);
    await cleaner.open();
    for (const { attempt } of await cleaner.frames('assignment', wrong.length)) cleaner.report(attempt);
    await cleaner.frames('ack', wrong.length);
    await world.pingGood();
  });

  test('after a cancel: the first one counts, once', async () => {
    const session = await dial(rogue).open();
    for (const [outcome, state] of [
      [{ case: 'cancelled', value: { $typeName: 'planton.runner.v1.Cancelled' } }, OperationState.CANCELLED],
      [PONG, OperationState.SUCCEEDED],
      [
        { case: 'handedBack', value: { $typeName: 'planton.runner.v1.HandedBack' } },
        OperationState.CANCELLED,
      ],
    ] as const) {
      const attempt = await give(session);
      await world.planton.runners.cancelOperation({ org: ORG, operationUid: attempt.operationUid });
      await waitUntil('the cancel', () =>
        session.received.some(
          ({ frame }) =>
            frame.case === 'cancel' && frame.value.attempt?.operationUid === attempt.operationUid,
        ),
      );
      const before = session.received.filter(({ frame }) => frame.case === 'ack').length;
      session.report(attempt, outcome);
      session.report(attempt, { case: 'failed', value: failure });
      await session.frames('ack', before + 1);
      expect(await stateOf(attempt.operationUid)).toBe(state);
    }
    await world.pingGood();
  });

  test('steps without end are not kept', async () => {
    const session = await dial(rogue).open();
    const attempt = await give(session);
    for (let i = 0; i < 3_000; i++) {
      session.send(accepted(attempt.operationUid));
      session.send(output(attempt.operationUid, `step ${i}`));
    }
    session.report(attempt);
    await session.frames('ack');
    const { steps, operation } = await world.planton.runners.getOperation({
      org: ORG,
      operationUid: attempt.operationUid,
    });
    expect(operation?.state).toBe(OperationState.SUCCEEDED);
    expect(steps).toHaveLength(200);
    expect(steps[0]?.name).toBe('step 0');
    await world.pingGood();
  });

  test('a runner that never reads is cut before what waits for it grows without bound', async () => {
    const finished = await dial(rogue).open();
    const attempt = await give(finished);
    finished.report(attempt);
    await finished.frames('ack');
    finished.close();

    // Its window lets one byte through; each result that it sends again is answered by a frame.
    const session = dial(rogue, { settings: { initialWindowSize: 1 } });
    session.stream.pause();
    session.hello();
    await waitUntil('the session is open', async () => {
      const { instances } = await world.planton.runners.listRunnerInstances({ org: ORG, runner: 'rogue' });
      return instances.some(({ uid, state }) => uid === rogue.instanceUid && state === 1);
    });
    const { uid } = await world.submit('rogue');
    await waitUntil('it has an operation', async () => (await stateOf(uid)) === OperationState.RUNNING);
    for (let i = 0; i < 2_000; i++) session.report(attempt);
    await waitUntil('it is cut', () => session.http2.destroyed || session.http2.closed);
    await world.pingGood();
    await waitUntil('it is off the record', async () => {
      const { instances } = await world.planton.runners.listRunnerInstances({ org: ORG, runner: 'rogue' });
      return instances.some(({ uid, state }) => uid === rogue.instanceUid && state !== 1);
    });
    // What it had goes to whoever comes next.
    const next = await dial(rogue).open();
    const [again] = await next.frames('assignment');
    expect(again?.attempt).toMatchObject({ operationUid: uid, attempt: 2 });
    next.report(again?.attempt);
    await waitUntil('it is carried out', async () => (await stateOf(uid)) === OperationState.SUCCEEDED);
  }, 60_000);
});

test('no hello at all', async () => {
  const { goodbye } = await silent.ended();
  expect(goodbye).toMatchObject({
    reason: GatewayGoodbyeReason.PROTOCOL,
    message: expect.stringContaining('no hello within'),
  });
  // Whoever does not go after the goodbye is cut.
  await waitUntil('the connection is cut', () => silent.http2.closed || silent.http2.destroyed);
  await world.pingGood();
}, 60_000);

test('the server names every offence, and none of them is a fault of its own', () => {
  const lines = world.platform.log().split('\n');
  expect(lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
  expect(world.platform.process()?.pid).toBeDefined();
});
