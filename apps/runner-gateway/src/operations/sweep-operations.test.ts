import { randomUUID } from 'node:crypto';
import { OperationState } from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { openFakeSession, PONG } from '../testing/fake-runner.ts';
import { refusalOf, type TestPool, until, useTestGateway } from '../testing/use-test-gateway.ts';
import { deleteOld } from './sweep-operations.ts';
import { eraseSealedOutputs } from './sweep-store.ts';

const input = { kind: { case: 'ping' as const, value: {} } };

describe.each(engines)('the record of operations on %s', (kind) => {
  const gateway = useTestGateway(kind);
  const query = () => gateway().database.query;
  const put = async (pool: TestPool, given: object, count = 1): Promise<string[]> => {
    const uids = Array.from({ length: count }, () => randomUUID());
    const rows = uids.map((uid) => ({
      uid,
      organization_uid: pool.org.uid,
      runner_uid: pool.runnerUid,
      kind: 'ping',
      state: 'queued' as const,
      attempt: 0,
      requester_replica_uid: '',
      idempotent: true,
      deadline: sql<Date>`now() + interval '1 minute'`,
      connection_uid: '',
      connection_slug: '',
      requested_by: 'ada',
      request_id: 'r',
      ...given,
    }));
    for (let from = 0; from < rows.length; from += 1_000)
      await query()
        .insertInto('operation')
        .values(rows.slice(from, from + 1_000))
        .execute();
    return uids;
  };
  const ended = (ago: string) => ({ state: 'succeeded', end_time: sql`now() - ${sql.lit(ago)}::interval` });

  test('a sealed output that nobody fetched is erased within a minute', async () => {
    const pool = await gateway().newPool();
    const [fresh] = await put(pool, { ...ended('20 seconds'), sealed_output: Buffer.from('sealed') });
    const [stale] = await put(pool, { ...ended('50 seconds'), sealed_output: Buffer.from('sealed') });
    await eraseSealedOutputs(query(), 50_000);
    const sealed = async (uid: string | undefined) =>
      (
        await query()
          .selectFrom('operation')
          .select('sealed_output')
          .where('uid', '=', uid ?? '')
          .executeTakeFirstOrThrow()
      ).sealed_output;
    expect(await sealed(fresh)).toEqual(Buffer.from('sealed'));
    expect(await sealed(stale)).toBeNull();
  });

  test('what ended more than thirty days ago is deleted, with its steps', async () => {
    const pool = await gateway().newPool();
    const [kept] = await put(pool, ended('29 days'));
    const [old] = await put(pool, ended('31 days'));
    await query()
      .insertInto('operation_step')
      .values({ operation_uid: old ?? '', attempt: 1, sequence: 1, step: sql`'{}'::jsonb` })
      .execute();
    await deleteOld(gateway());
    const left = await query()
      .selectFrom('operation')
      .select('uid')
      .where('organization_uid', '=', pool.org.uid)
      .execute();
    expect(left.map(({ uid }) => uid)).toEqual([kept]);
  });

  test('an attempt that is on record here and nowhere to be found is given out again', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const { replicaUid } = gateway().replica.gateway;
    const client = await gateway().replica.as(pool.member);
    const { operation } = await client.executeOperation({
      org: pool.org.slug,
      runner: pool.runner,
      input,
      detach: true,
    });
    const first = await session.next('assignment');
    session.cut();
    const again = openFakeSession(gateway().replica.listener.url, session.identity);
    again.hello({ inFlight: first.attempt ? [first.attempt] : [] });
    await again.next('reconcile');
    // As a claim leaves it whose answer did not arrive.
    await query()
      .updateTable('operation')
      .set({ attempt: 7, replica_uid: replicaUid, deadline: sql<Date>`now() + interval '2 minutes'` })
      .where('uid', '=', operation?.uid ?? '')
      .execute();
    const lost = () =>
      query()
        .selectFrom('operation')
        .select('lost_time')
        .where('uid', '=', operation?.uid ?? '')
        .executeTakeFirstOrThrow();
    await until(async () => (await lost()).lost_time !== null);
    await query()
      .updateTable('operation')
      .set({ lost_time: sql<Date>`now() - interval '1 minute'` })
      .where('uid', '=', operation?.uid ?? '')
      .execute();
    const redelivered = await again.next('assignment');
    expect(redelivered.attempt).toEqual({ ...first.attempt, attempt: 8 });
    again.result(redelivered, PONG);
    const read = () => client.getOperation({ org: pool.org.slug, operationUid: operation?.uid ?? '' });
    await until(async () => (await read()).operation?.state === OperationState.SUCCEEDED);
    again.cut();
  });

  test('so many operations wait for one runner, and no more', async () => {
    const pool = await gateway().newPool();
    await put(pool, {}, 5_000);
    const client = await gateway().replica.as(pool.member);
    const order = { org: pool.org.slug, runner: pool.runner, input, detach: true };
    expect((await refusalOf(client.executeOperation(order))).reason).toBe('OPERATIONS_TOO_MANY');
  });

  test('a payload that does not open ends its operation, and others go on', async () => {
    const pool = await gateway().newPool();
    const [broken] = await put(pool, { payload: Buffer.from('nonsense') });
    const client = await gateway().replica.as(pool.member);
    const { operation } = await client.executeOperation({
      org: pool.org.slug,
      runner: pool.runner,
      input,
      detach: true,
    });
    const session = await pool.connect();
    const assignment = await session.next('assignment');
    expect(assignment.attempt?.operationUid).toBe(operation?.uid);
    const read = async () =>
      (await client.getOperation({ org: pool.org.slug, operationUid: broken ?? '' })).operation;
    await until(async () => (await read())?.state === OperationState.FAILED);
    expect((await read())?.error?.reason).toBe('PAYLOAD_UNREADABLE');
    session.cut();
  });
});
