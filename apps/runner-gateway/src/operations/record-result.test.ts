import { OperationState } from '@planton/api/runner/v1/operation';
import { AckDisposition } from '@planton/api/runner/v1/session';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { PONG } from '../testing/fake-runner.ts';
import { useOperations } from '../testing/use-operations.ts';
import { useTestGateway } from '../testing/use-test-gateway.ts';

describe.each(engines)('results of operations on %s', (kind) => {
  const gateway = useTestGateway(kind, { overrides: { times: { lostMs: 1_500 } } });
  const { execute, read, row, pong } = useOperations(gateway);

  test('what is handed back goes to another instance', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    const answer = execute(pool);
    const assignment = await first.next('assignment');
    const second = await pool.connect();
    first.result(assignment, { case: 'handedBack', value: {} as never });
    expect((await first.next('ack')).disposition).toBe(AckDisposition.RECORDED);
    const again = await pong(second);
    expect(again.attempt).toMatchObject({ operationUid: assignment.attempt?.operationUid, attempt: 2 });
    expect(await answer).toMatchObject({ attempt: 2, instanceUid: second.identity.instanceUid });
    first.cut();
    second.cut();
  });

  test('what an instance brings along goes on; what it does not is given out again', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    const [kept, dropped] = [execute(pool), execute(pool)];
    const assignments = [await first.next('assignment'), await first.next('assignment')];
    first.cut();
    const [brought, left] = assignments;
    const again = await pool.connect(undefined, {
      identity: first.identity,
      hello: { inFlight: brought?.attempt ? [brought.attempt, { operationUid: 'unknown', attempt: 1 }] : [] },
    });
    expect((await again.next('reconcile')).keep).toEqual([brought?.attempt]);
    const redelivered = await pong(again);
    expect(redelivered.attempt).toMatchObject({ operationUid: left?.attempt?.operationUid, attempt: 2 });
    if (brought) again.result(brought, PONG);
    const ended = await Promise.all([kept, dropped]);
    expect(ended.map((each) => [each?.state, each?.attempt]).toSorted()).toEqual([
      [OperationState.SUCCEEDED, 1],
      [OperationState.SUCCEEDED, 2],
    ]);
    again.cut();
  });

  test('a result that was not acknowledged is sent again on the next session, and recorded once', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    const answer = execute(pool);
    const assignment = await first.next('assignment');
    first.result(assignment, PONG);
    expect((await first.next('ack')).disposition).toBe(AckDisposition.RECORDED);
    await answer;
    first.result(assignment, PONG);
    expect((await first.next('ack')).disposition).toBe(AckDisposition.DUPLICATE);
    first.cut();
    const second = await pool.connect(undefined, {
      identity: first.identity,
      hello: { unacknowledged: assignment.attempt ? [assignment.attempt] : [] },
    });
    expect((await second.next('reconcile')).keep).toEqual([]);
    const { end_time } = await row(assignment.attempt?.operationUid);
    second.result(assignment, PONG);
    expect((await second.next('ack')).disposition).toBe(AckDisposition.DUPLICATE);
    expect((await row(assignment.attempt?.operationUid)).end_time).toEqual(end_time);
    second.cut();
  });

  test('a result is taken from the instance that has the attempt alone', async () => {
    const pool = await gateway().newPool();
    const owner = await pool.connect(undefined, { hello: { maxInFlight: 1 } });
    const answer = execute(pool);
    const assignment = await owner.next('assignment');
    const thief = await pool.connect();
    thief.result(assignment, PONG);
    expect((await thief.ended).goodbye?.message).toMatch(/which is not this instance's/);
    expect((await read(pool, assignment.attempt?.operationUid))?.state).toBe(OperationState.RUNNING);
    owner.result(assignment, PONG);
    expect((await answer)?.instanceUid).toBe(owner.identity.instanceUid);
    owner.cut();
  });

  test('a late result of an earlier attempt is discarded, and the later attempt goes on', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    const answer = execute(pool);
    const assignment = await first.next('assignment');
    first.cut();
    const fresh = await pool.connect(undefined, { identity: first.identity });
    const again = await fresh.next('assignment');
    expect(again.attempt?.attempt).toBe(2);
    fresh.result(assignment, PONG);
    expect((await fresh.next('ack')).disposition).toBe(AckDisposition.DISCARDED);
    fresh.result(again, PONG);
    expect(await answer).toMatchObject({ state: OperationState.SUCCEEDED, attempt: 2 });
    fresh.cut();
  });

  test('a result of another kind breaks the protocol', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    await execute(pool, { detach: true });
    session.result(await session.next('assignment'), {
      case: 'succeeded',
      value: { kind: { case: 'issueAwsCredentials', value: {} } } as never,
    });
    expect((await session.ended).goodbye?.message).toMatch(
      /is of the kind issueAwsCredentials instead of ping/,
    );
  });

  test('a lost instance that does not come back loses what it had after a while', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    const answer = execute(pool);
    await first.next('assignment');
    first.cut();
    const second = await pool.connect();
    expect((await pong(second)).attempt?.attempt).toBe(2);
    expect((await answer)?.state).toBe(OperationState.SUCCEEDED);
    second.cut();
  });
});
