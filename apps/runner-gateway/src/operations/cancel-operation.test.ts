import { OperationState } from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { useOperations } from '../testing/use-operations.ts';
import { useTestGateway } from '../testing/use-test-gateway.ts';

describe.each(engines)('cancelling operations on %s', (kind) => {
  const gateway = useTestGateway(kind, { overrides: { times: { lostMs: 1_500 } } });
  const { clientOf, execute } = useOperations(gateway);

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
});
