import { Code, ConnectError } from '@connectrpc/connect';
import { OperationErrorKind, OperationState } from '@planton/api/runner/v1/operation';
import { AckDisposition, type Assignment, RunnerGoodbyeReason } from '@planton/api/runner/v1/session';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { type FakeSession, openFakeSession, PONG } from '../testing/fake-runner.ts';
import { refusalOf, type TestPool, until, useTestGateway } from '../testing/use-test-gateway.ts';
import { ping } from './kinds/ping.ts';
import { mapKinds } from './operation-kind.ts';
import { operationKinds } from './operation-kinds.ts';

const input = { kind: { case: 'ping' as const, value: {} } };

describe.each(engines)('operations on %s', (kind) => {
  const gateway = useTestGateway(kind, { overrides: { times: { lostMs: 1_500 } } });
  const clientOf = (pool: TestPool) => gateway().replica.as(pool.member);
  const execute = async (pool: TestPool, given: { seconds?: number; detach?: boolean } = {}) =>
    (
      await (
        await clientOf(pool)
      ).executeOperation({
        org: pool.org.slug,
        runner: pool.runner,
        input,
        timeout: { seconds: BigInt(given.seconds ?? 20) },
        detach: given.detach ?? false,
        purpose: 'a test',
      })
    ).operation;
  const read = async (pool: TestPool, uid: string | undefined) =>
    (await (await clientOf(pool)).getOperation({ org: pool.org.slug, operationUid: uid ?? '' })).operation;
  const row = (uid: string | undefined) =>
    gateway()
      .database.query.selectFrom('operation')
      .selectAll()
      .where('uid', '=', uid ?? '')
      .executeTakeFirstOrThrow();
  const reaches = (pool: TestPool, uid: string | undefined, state: OperationState) =>
    until(async () => (await read(pool, uid))?.state === state);
  const pong = async (session: FakeSession): Promise<Assignment> => {
    const assignment = await session.next('assignment');
    session.result(assignment, PONG);
    return assignment;
  };

  test('one that a session takes is recorded with its answer, its audit record, and nothing of what went in', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool);
    const assignment = await session.next('assignment');
    const uid = assignment.attempt?.operationUid;
    expect(assignment).toMatchObject({ attempt: { attempt: 1 }, input });
    const running = await row(uid);
    expect(running).toMatchObject({ state: 'running', instance_uid: session.identity.instanceUid });
    expect(running.payload?.length).toBeGreaterThan(20);
    session.send({ case: 'accepted', value: { attempt: assignment.attempt ?? {} } });
    session.result(assignment, PONG);
    expect(await answer).toMatchObject({
      uid,
      runner: pool.runner,
      state: OperationState.SUCCEEDED,
      attempt: 1,
      requestedBy: 'ada',
      output: { kind: { case: 'ping', value: { version: 'test' } } },
    });
    expect(await session.next('ack')).toMatchObject({ disposition: AckDisposition.RECORDED });
    expect(await row(uid)).toMatchObject({ state: 'succeeded', payload: null, lost_time: null });
    const audit = await gateway()
      .database.query.selectFrom('audit_record')
      .selectAll()
      .where('resource_uid', '=', uid ?? '')
      .execute();
    expect(audit).toMatchObject([
      { action: 'operation.execute', actor_name: 'ada', organization_uid: pool.org.uid, purpose: 'a test' },
    ]);
    session.cut();
  });

  test('a failure is recorded as the runner says it', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool);
    session.result(await session.next('assignment'), {
      case: 'failed',
      value: {
        kind: OperationErrorKind.TRANSIENT,
        reason: 'THROTTLED',
        message: 'slow down',
        hint: 'wait',
      } as never,
    });
    expect(await answer).toMatchObject({
      state: OperationState.FAILED,
      error: { kind: OperationErrorKind.TRANSIENT, reason: 'THROTTLED', message: 'slow down' },
    });
    session.cut();
  });

  test('one for which no instance is connected waits for one', async () => {
    const pool = await gateway().newPool();
    const queued = await execute(pool, { detach: true });
    expect(queued).toMatchObject({ state: OperationState.QUEUED, attempt: 0, instanceUid: '' });
    const answer = execute(pool);
    const session = await pool.connect();
    const first = await pong(session);
    expect(first.attempt).toMatchObject({ operationUid: queued?.uid, attempt: 1 });
    await pong(session);
    expect((await answer)?.state).toBe(OperationState.SUCCEEDED);
    await reaches(pool, queued?.uid, OperationState.SUCCEEDED);
    session.cut();
  });

  test('one that nobody takes fails at its deadline, saying since when the runner is away', async () => {
    const pool = await gateway().newPool();
    expect(await execute(pool, { seconds: 1 })).toMatchObject({
      state: OperationState.FAILED,
      error: {
        kind: OperationErrorKind.OFFLINE,
        reason: 'RUNNER_OFFLINE',
        message: 'no instance of runner "my-aws-runner" was connected in time; it has never connected',
      },
    });
    const session = await pool.connect();
    session.send({ case: 'goodbye', value: { reason: RunnerGoodbyeReason.SHUTDOWN } });
    await session.ended;
    const away = await execute(pool, { seconds: 1 });
    expect(away?.error?.message).toMatch(/it was last seen at 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect((await row(away?.uid)).payload).toBeNull();
  });

  test('one that no instance has room for says so', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(undefined, { hello: { maxInFlight: 1 } });
    const first = await execute(pool, { detach: true });
    await session.next('assignment');
    expect(await execute(pool, { seconds: 1 })).toMatchObject({
      state: OperationState.FAILED,
      error: { kind: OperationErrorKind.DEADLINE, reason: 'RUNNER_BUSY' },
    });
    expect((await read(pool, first?.uid))?.state).toBe(OperationState.RUNNING);
    session.cut();
  });

  test('one that runs past its deadline fails; its late result is discarded', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool, { seconds: 1 });
    const assignment = await session.next('assignment');
    expect(await answer).toMatchObject({
      state: OperationState.FAILED,
      error: { kind: OperationErrorKind.DEADLINE, reason: 'DEADLINE_EXCEEDED' },
    });
    expect((await session.next('cancel')).attempt).toEqual(assignment.attempt);
    session.result(assignment, PONG);
    expect((await session.next('ack')).disposition).toBe(AckDisposition.DISCARDED);
    expect((await read(pool, assignment.attempt?.operationUid))?.state).toBe(OperationState.FAILED);
    session.cut();
  });

  test('a pool carries out what there is room for, on the instance with the least to do', async () => {
    const pool = await gateway().newPool();
    const small = await pool.connect(undefined, { hello: { maxInFlight: 2 } });
    const large = await pool.connect(undefined, { hello: { maxInFlight: 8 } });
    for (let i = 0; i < 5; i++) await execute(pool, { detach: true });
    const count = (session: FakeSession) =>
      session.received.filter(({ frame }) => frame.case === 'assignment').length;
    await until(() => count(small) + count(large) === 5);
    expect([count(small), count(large)]).toEqual([1, 4]);
    for (let i = 0; i < 10; i++) await execute(pool, { detach: true });
    await until(() => count(small) + count(large) === 10);
    expect([count(small), count(large)]).toEqual([2, 8]);
    await pong(small);
    await until(() => count(small) === 3);
    small.cut();
    large.cut();
  });

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

  test('one that waits is cancelled at once, one that runs by its runner, one that has ended not at all', async () => {
    const pool = await gateway().newPool();
    const client = await clientOf(pool);
    const cancel = async (uid: string | undefined) =>
      (await client.cancelOperation({ org: pool.org.slug, operationUid: uid ?? '' })).operation;
    const waiting = await execute(pool, { detach: true });
    expect(await cancel(waiting?.uid)).toMatchObject({
      state: OperationState.CANCELLED,
      error: { reason: 'CANCELLED', message: 'ada cancelled it before it began' },
    });
    const session = await pool.connect();
    const answer = execute(pool);
    const assignment = await session.next('assignment');
    expect(assignment.attempt?.operationUid).not.toBe(waiting?.uid);
    expect((await cancel(assignment.attempt?.operationUid))?.state).toBe(OperationState.RUNNING);
    await cancel(assignment.attempt?.operationUid);
    expect((await session.next('cancel')).attempt).toEqual(assignment.attempt);
    session.result(assignment, { case: 'cancelled', value: {} as never });
    expect((await answer)?.state).toBe(OperationState.CANCELLED);
    expect((await cancel(assignment.attempt?.operationUid))?.state).toBe(OperationState.CANCELLED);
    const audited = await gateway()
      .database.query.selectFrom('audit_record')
      .select('resource_uid')
      .where('action', '=', 'operation.cancel')
      .where('organization_uid', '=', pool.org.uid)
      .execute();
    expect(audited.map(({ resource_uid }) => resource_uid)).toEqual([
      waiting?.uid,
      assignment.attempt?.operationUid,
    ]);
    session.cut();
  });

  test('a cancelled one whose instance is lost is not given out again', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool);
    const assignment = await session.next('assignment');
    await (await clientOf(pool)).cancelOperation({
      org: pool.org.slug,
      operationUid: assignment.attempt?.operationUid ?? '',
    });
    session.cut();
    const again = await pool.connect(undefined, { identity: session.identity });
    expect((await answer)?.state).toBe(OperationState.CANCELLED);
    again.cut();
  });

  test('who may not, what is not for members, and what is not there, is refused', async () => {
    const pool = await gateway().newPool();
    const client = await clientOf(pool);
    const ask = (given: object) =>
      refusalOf(client.executeOperation({ org: pool.org.slug, runner: pool.runner, input, ...given }));
    expect((await ask({ runner: 'nobody' })).reason).toBe('RUNNER_NOT_FOUND');
    expect((await ask({ runner: 'platform-runner' })).reason).toBe('RUNNER_NOT_FOUND');
    const verify = (authentication: object) => ({
      input: {
        kind: {
          case: 'verifyAwsAccess',
          value: { accountId: '123456789012', region: 'us-west-2', authentication },
        },
      },
    });
    const key = { accessKeyId: 'AKIA', secretAccessKey: 'x' };
    expect((await ask(verify({ method: { case: 'accessKey', value: key } }))).reason).toBe(
      'OPERATION_NOT_PUBLIC',
    );
    for (const kind of [
      { case: 'describeAwsIdentity', value: { region: 'us-west-2' } },
      {
        case: 'verifyAwsTrust',
        value: {
          accountId: '123456789012',
          region: 'us-west-2',
          role: { roleArn: 'arn:aws:iam::123456789012:role/x', externalId: 'ext', sessionName: 'planton' },
        },
      },
    ])
      expect((await ask({ input: { kind } })).reason).toBe('OPERATION_NOT_PUBLIC');
    const other = await gateway().newPool();
    expect(
      (await refusalOf((await clientOf(other)).getOperation({ org: other.org.slug, operationUid: 'x' })))
        .reason,
    ).toBe('OPERATION_NOT_FOUND');
    const mine = await execute(pool, { detach: true });
    const theirs = await clientOf(other);
    const named = { org: other.org.slug, operationUid: mine?.uid ?? '' };
    expect((await refusalOf(theirs.getOperation(named))).reason).toBe('OPERATION_NOT_FOUND');
    expect((await refusalOf(theirs.cancelOperation(named))).reason).toBe('OPERATION_NOT_FOUND');
    const viewer = await gateway().replica.as({ ...pool.member, role: 'viewer' });
    const refused = await refusalOf(
      viewer.executeOperation({ org: pool.org.slug, runner: pool.runner, input }),
    );
    expect(refused.reason).toBe('PERMISSION_DENIED');
    await client.revokeRunner({ org: pool.org.slug, runner: pool.runner });
    expect((await ask({})).reason).toBe('RUNNER_REVOKED');
  });

  test('a caller that leaves does not stop it', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const leave = new AbortController();
    const answer = (await clientOf(pool)).executeOperation(
      { org: pool.org.slug, runner: pool.runner, input },
      { signal: leave.signal },
    );
    const assignment = await session.next('assignment');
    leave.abort();
    const error = await answer.catch((thrown: unknown) => ConnectError.from(thrown));
    expect(error).toMatchObject({ code: Code.Canceled });
    session.result(assignment, PONG);
    await reaches(pool, assignment.attempt?.operationUid, OperationState.SUCCEEDED);
    session.cut();
  });

  test('many at once share statements, and each ends once', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(undefined, { hello: { maxInFlight: 50 } });
    let given = true;
    const work = async () => {
      while (given) await pong(session);
    };
    const working = work().catch(() => {});
    const ended = await Promise.all(Array.from({ length: 300 }, () => execute(pool, { seconds: 60 })));
    given = false;
    expect(new Set(ended.map((each) => each?.uid)).size).toBe(300);
    expect(new Set(ended.map((each) => each?.state))).toEqual(new Set([OperationState.SUCCEEDED]));
    session.cut();
    await working;
  });

  test('a burst goes out at once where there is room: none of it waits', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(undefined, { hello: { maxInFlight: 400 } });
    let given = true;
    const work = async () => {
      while (given) await pong(session);
    };
    const working = work().catch(() => {});
    const states = new Set<OperationState | undefined>();
    const ask = async () => {
      for (let i = 0; i < 5; i++) states.add((await execute(pool, { detach: true }))?.state);
    };
    await Promise.all(Array.from({ length: 64 }, ask));
    given = false;
    expect(states).toEqual(new Set([OperationState.RUNNING]));
    session.cut();
    await working;
  });

  test('they are listed newest first, in pages, by runner and by state', async () => {
    const pool = await gateway().newPool();
    const client = await clientOf(pool);
    const uids: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) uids.unshift((await execute(pool, { detach: true }))?.uid);
    await client.cancelOperation({ org: pool.org.slug, operationUid: uids[1] ?? '' });
    const listed: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await client.listOperations({ org: pool.org.slug, pageSize: 2, pageToken });
      listed.push(...page.operations.map(({ uid }) => uid));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(listed).toEqual(uids);
    const list = async (filter: object) =>
      (await client.listOperations({ org: pool.org.slug, ...filter })).operations.map(({ uid }) => uid);
    expect(await list({ states: [OperationState.CANCELLED] })).toEqual([uids[1]]);
    expect(await list({ runner: pool.runner })).toEqual(uids);
    expect((await refusalOf(list({ runner: 'nobody' }))).reason).toBe('RUNNER_NOT_FOUND');
    expect((await refusalOf(list({ pageToken: 'x' }))).reason).toBe('PAGE_TOKEN_INVALID');
  });
});

describe.each(engines)('operations that may not be repeated, on %s', (kind) => {
  const gateway = useTestGateway(kind, {
    overrides: { times: { lostMs: 500 }, operationKinds: mapKinds([{ ...ping, idempotent: false }]) },
  });
  const execute = async (pool: TestPool, seconds = 20n) =>
    (
      await (
        await gateway().replica.as(pool.member)
      ).executeOperation({
        org: pool.org.slug,
        runner: pool.runner,
        input,
        timeout: { seconds },
      })
    ).operation;

  test('their outcome is not known when their instance does not come back', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const bystander = await pool.connect();
    const answer = execute(pool);
    const taken = await Promise.race([
      session.next('assignment').then(() => session),
      bystander.next('assignment').then(() => bystander),
    ]);
    taken.cut();
    expect(await answer).toMatchObject({
      state: OperationState.OUTCOME_UNKNOWN,
      attempt: 1,
      instanceUid: taken.identity.instanceUid,
      error: { reason: 'OUTCOME_UNKNOWN' },
    });
    session.cut();
    bystander.cut();
  });

  test('nor when it comes back without them, or when they take too long', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool);
    await session.next('assignment');
    session.cut();
    const again = openFakeSession(gateway().replica.listener.url, session.identity);
    again.hello();
    expect((await answer)?.state).toBe(OperationState.OUTCOME_UNKNOWN);
    await again.next('welcome');
    const slow = execute(pool, 1n);
    await again.next('assignment');
    expect((await slow)?.state).toBe(OperationState.OUTCOME_UNKNOWN);
    again.cut();
  });

  test('one that was handed back was not begun, and is given out again', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool);
    session.result(await session.next('assignment'), { case: 'handedBack', value: {} as never });
    session.result(await session.next('assignment'), PONG);
    expect(await answer).toMatchObject({ state: OperationState.SUCCEEDED, attempt: 2 });
    session.cut();
  });
});

test('the registry holds every kind of the contract under its name', () => {
  expect([...operationKinds.keys()]).toEqual([
    'ping',
    'verifyAwsAccess',
    'issueAwsCredentials',
    'describeAwsIdentity',
    'verifyAwsTrust',
  ]);
});
