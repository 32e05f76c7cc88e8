import { OperationState } from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { openFakeSession, PONG } from '../testing/fake-runner.ts';
import { useOperations } from '../testing/use-operations.ts';
import { useTestGateway } from '../testing/use-test-gateway.ts';
import { ping } from './kinds/ping.ts';
import { mapKinds } from './operation-kind.ts';
import { operationKinds } from './operation-kinds.ts';

describe.each(engines)('operations that may not be repeated, on %s', (kind) => {
  const gateway = useTestGateway(kind, {
    overrides: { times: { lostMs: 500 }, operationKinds: mapKinds([{ ...ping, idempotent: false }]) },
  });
  const { execute } = useOperations(gateway);

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
    const slow = execute(pool, { seconds: 1 });
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
