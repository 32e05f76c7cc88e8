import { OperationState } from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { PONG } from '../testing/fake-runner.ts';
import { useTestGateway } from '../testing/use-test-gateway.ts';

describe.each(engines)('executing operations on %s', (kind) => {
  const gateway = useTestGateway(kind);

  test('a ping goes to the runner and its answer comes back', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const client = await gateway().replica.as(pool.member);
    const answer = client.executeOperation({
      org: pool.org.slug,
      runner: pool.runner,
      input: { kind: { case: 'ping', value: {} } },
    });
    const assignment = await session.next('assignment');
    expect(assignment.input?.kind.case).toBe('ping');
    session.send({ case: 'accepted', value: { attempt: assignment.attempt } as never });
    session.result(assignment, PONG);
    const { operation } = await answer;
    expect(operation?.state).toBe(OperationState.SUCCEEDED);
    expect((await session.next('ack')).disposition).toBe(1);
    session.cut();
  });
});
