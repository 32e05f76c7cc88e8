import { Code, ConnectError } from '@connectrpc/connect';
import { OperationErrorKind, OperationState } from '@planton/api/runner/v1/operation';
import { AckDisposition, RunnerGoodbyeReason } from '@planton/api/runner/v1/session';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { type FakeSession, PONG } from '../testing/fake-runner.ts';
import { pingInput, useOperations } from '../testing/use-operations.ts';
import { refusalOf, until, useTestGateway } from '../testing/use-test-gateway.ts';

describe.each(engines)('operations on %s', (kind) => {
  const gateway = useTestGateway(kind, { overrides: { times: { lostMs: 1_500 } } });
  const { clientOf, execute, read, row, reaches, pong } = useOperations(gateway);

  test('one that a session takes is recorded with its answer, its audit record, and nothing of what went in', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = execute(pool);
    const assignment = await session.next('assignment');
    const uid = assignment.attempt?.operationUid;
    expect(assignment).toMatchObject({ attempt: { attempt: 1 }, input: pingInput });
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

  test('who may not, what is not for members, and what is not there, is refused', async () => {
    const pool = await gateway().newPool();
    const client = await clientOf(pool);
    const ask = (given: object) =>
      refusalOf(
        client.executeOperation({ org: pool.org.slug, runner: pool.runner, input: pingInput, ...given }),
      );
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
      viewer.executeOperation({ org: pool.org.slug, runner: pool.runner, input: pingInput }),
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
      { org: pool.org.slug, runner: pool.runner, input: pingInput },
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
});
