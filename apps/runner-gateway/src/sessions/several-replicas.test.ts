import { setTimeout as sleep } from 'node:timers/promises';
import { OperationState } from '@planton/api/runner/v1/operation';
import { GatewayGoodbyeReason, RunnerGoodbyeReason } from '@planton/api/runner/v1/session';
import { describe, expect, test } from 'vitest';
import { openFakeSession, PONG } from '../testing/fake-runner.ts';
import { type TestPool, type TestReplica, until, useTestGateway } from '../testing/use-test-gateway.ts';

const input = { kind: { case: 'ping' as const, value: {} } };

describe('several replicas on postgres', () => {
  const gateway = useTestGateway('postgres', { replicas: 2 });
  const [here, there] = [() => at(0), () => at(1)];
  const at = (index: number): TestReplica => {
    const replica = gateway().replicas[index];
    if (!replica) throw new Error('there is no such replica');
    return replica;
  };
  const execute = async (replica: TestReplica, pool: TestPool, seconds = 60n) =>
    (
      await (
        await replica.as(pool.member)
      ).executeOperation({
        org: pool.org.slug,
        runner: pool.runner,
        input,
        timeout: { seconds },
      })
    ).operation;
  const rowOf = (instanceUid: string) =>
    gateway()
      .database.query.selectFrom('session')
      .selectAll()
      .where('instance_uid', '=', instanceUid)
      .executeTakeFirst();

  test('a call on one reaches a runner on the other, and its answer comes back', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(there());
    const answer = execute(here(), pool);
    session.result(await session.next('assignment'), PONG);
    expect((await answer)?.state).toBe(OperationState.SUCCEEDED);
    session.cut();
  });

  test('steps and sealed outputs cross replicas; the output is handed out once', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(there());
    const resultPublicKey = new Uint8Array(32).fill(7);
    const events = here()
      .asService('connection-service')
      .runConnectionOperation({
        organizationUid: pool.org.uid,
        runnerUid: pool.runnerUid,
        connectionUid: 'c',
        connection: 'c',
        timeout: { seconds: 20n },
        resultPublicKey,
        input: {
          kind: {
            case: 'issueAwsCredentials',
            value: {
              accountId: '123456789012',
              region: 'us-west-2',
              role: { roleArn: 'arn:aws:iam::123456789012:role/x', sessionName: 'planton' },
            },
          },
        },
      });
    const seen: string[] = [];
    let sealed: Uint8Array | undefined;
    const collect = async () => {
      for await (const { event } of events) {
        seen.push(event.case === 'step' ? event.value.name : `${event.case}`);
        if (event.case === 'end') sealed = event.value.sealedOutput?.ciphertext;
      }
    };
    const collecting = collect();
    const { attempt, ...assignment } = await session.next('assignment');
    expect(assignment.resultPublicKey).toEqual(resultPublicKey);
    session.send({ case: 'output', value: { attempt: attempt ?? {}, step: { name: 'first', state: 2 } } });
    await until(() => seen.includes('first'));
    session.send({ case: 'output', value: { attempt: attempt ?? {}, step: { name: 'second', state: 2 } } });
    session.result(
      { attempt } as never,
      { case: 'succeeded', value: { kind: { case: 'issueAwsCredentials', value: {} } } as never },
      {
        sealedOutput: { encapsulatedKey: new Uint8Array(32), ciphertext: new Uint8Array([1, 2, 3]) } as never,
      },
    );
    await collecting;
    expect(seen).toEqual(['operation', 'first', 'second', 'end']);
    expect(sealed).toEqual(new Uint8Array([1, 2, 3]));
    const row = await gateway()
      .database.query.selectFrom('operation')
      .select(['sealed_output', 'state'])
      .where('uid', '=', attempt?.operationUid ?? '')
      .executeTakeFirstOrThrow();
    expect(row).toEqual({ sealed_output: null, state: 'succeeded' });
    session.cut();
  });

  test('cancelling on one ends what runs through the other', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(there());
    const answer = execute(here(), pool);
    const { attempt } = await session.next('assignment');
    const client = await here().as(pool.member);
    await client.cancelOperation({ org: pool.org.slug, operationUid: attempt?.operationUid ?? '' });
    expect((await session.next('cancel')).attempt).toEqual(attempt);
    session.result({ attempt } as never, { case: 'cancelled', value: {} as never });
    expect((await answer)?.state).toBe(OperationState.CANCELLED);
    session.cut();
  });

  test('what is revoked on one ends on the other within about a second', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(there());
    const started = performance.now();
    await (await here().as(pool.member)).revokeRunner({ org: pool.org.slug, runner: pool.runner });
    expect((await session.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.REVOKED);
    // The promise is a second; the limit here is what a machine with other things to do keeps.
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  test('a session on one supersedes that of the other, which takes its work along', async () => {
    const pool = await gateway().newPool();
    const older = await pool.connect(here());
    const answer = execute(here(), pool);
    const assignment = await older.next('assignment');
    const newer = await pool.connect(there(), {
      identity: older.identity,
      hello: { inFlight: assignment.attempt ? [assignment.attempt] : [] },
    });
    expect((await newer.next('reconcile')).keep).toEqual([assignment.attempt]);
    expect((await older.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.SUPERSEDED);
    expect((await rowOf(older.identity.instanceUid))?.replica_uid).toBe(there().gateway.replicaUid);
    newer.result(assignment, PONG);
    expect(await answer).toMatchObject({ state: OperationState.SUCCEEDED, attempt: 1 });
    newer.cut();
  });

  test('watching on one sees what happens on the other', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(there());
    const answer = execute(there(), pool);
    const { attempt } = await session.next('assignment');
    const seen: string[] = [];
    const watch = async () => {
      const client = await here().as(pool.member);
      for await (const { event } of client.watchOperation({
        org: pool.org.slug,
        operationUid: attempt?.operationUid ?? '',
      }))
        seen.push(
          event.case === 'step'
            ? event.value.name
            : `${OperationState.SUCCEEDED === (event.case === 'operation' && event.value.state) ? 'succeeded' : event.case}`,
        );
    };
    const watching = watch();
    await until(() => seen.length === 1);
    session.send({ case: 'output', value: { attempt: attempt ?? {}, step: { name: 'step', state: 2 } } });
    await until(() => seen.length === 2);
    session.result({ attempt } as never, PONG);
    await Promise.all([watching, answer]);
    expect(seen).toEqual(['operation', 'step', 'succeeded']);
    session.cut();
  });

  test('a replica that drains sends its runners to the other, with what they carry out', async () => {
    const pool = await gateway().newPool();
    const leaving = await gateway().startReplica();
    const session = await pool.connect(leaving);
    const answer = execute(here(), pool);
    const assignment = await session.next('assignment');
    const draining = leaving.gateway.drain(20_000);
    await session.next('drain');
    const refused = openFakeSession(leaving.listener.url, await pool.addInstance());
    refused.hello();
    expect((await refused.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.SHUTDOWN);
    const moved = await pool.connect(here(), {
      identity: session.identity,
      hello: { inFlight: assignment.attempt ? [assignment.attempt] : [] },
    });
    await draining;
    expect((await session.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.SUPERSEDED);
    moved.result(assignment, PONG);
    expect(await answer).toMatchObject({ state: OperationState.SUCCEEDED, attempt: 1 });
    moved.cut();
  });

  test('a runner that is done when its replica drains says goodbye, and the replica ends', async () => {
    const pool = await gateway().newPool();
    const leaving = await gateway().startReplica({ times: { drainMs: 20_000 } });
    const session = await pool.connect(leaving);
    const stopped = leaving.gateway.stop();
    await session.next('drain');
    session.send({ case: 'goodbye', value: { reason: RunnerGoodbyeReason.DRAINED } });
    await stopped;
    expect(await rowOf(session.identity.instanceUid)).toBeUndefined();
    const left = await gateway()
      .database.query.selectFrom('replica')
      .select('uid')
      .where('uid', '=', leaving.gateway.replicaUid)
      .execute();
    expect(left).toEqual([]);
  });

  test('a replica that dies is reaped; what it carried out is adopted or given out again', async () => {
    const pool = await gateway().newPool();
    const dying = await gateway().startReplica();
    const [adopted, lost] = [await pool.connect(dying), await pool.connect(dying)];
    const answers = [execute(here(), pool), execute(here(), pool)];
    const first = await adopted.next('assignment');
    const second = await lost.next('assignment');
    await dying.crash();
    await adopted.ended;
    const back = await pool.connect(here(), {
      identity: adopted.identity,
      hello: { inFlight: first.attempt ? [first.attempt] : [], maxInFlight: 2 },
    });
    expect((await back.next('reconcile')).keep).toEqual([first.attempt]);
    back.result(first, PONG);
    const again = await back.next('assignment');
    expect(again.attempt).toEqual({ ...second.attempt, attempt: 2 });
    back.result(again, PONG);
    const ended = await Promise.all(answers);
    expect(ended.map((each) => each?.state)).toEqual([OperationState.SUCCEEDED, OperationState.SUCCEEDED]);
    expect(await rowOf(lost.identity.instanceUid)).toBeUndefined();
    back.cut();
  });

  test('notifications that are lost cost a moment, never an operation', async () => {
    const pool = await gateway().newPool();
    const deaf = await gateway().startReplica({
      engine: {
        ...gateway().replica.engine,
        subscribe: () => ({ ready: Promise.resolve(), close: async () => {} }),
      },
    });
    const session = await pool.connect(deaf);
    const answers = [execute(here(), pool), execute(deaf, pool)];
    for (const _ of answers) session.result(await session.next('assignment'), PONG);
    for (const answer of answers) expect((await answer)?.state).toBe(OperationState.SUCCEEDED);
    const elsewhere = await pool.connect(here(), { identity: session.identity });
    expect((await session.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.SUPERSEDED);
    const remote = execute(deaf, pool);
    elsewhere.result(await elsewhere.next('assignment'), PONG);
    expect((await remote)?.state).toBe(OperationState.SUCCEEDED);
    elsewhere.cut();
    await sleep(1);
  });
});
