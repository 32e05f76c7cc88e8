import type { OperationState } from '@planton/api/runner/v1/operation';
import type { Assignment } from '@planton/api/runner/v1/session';
import { type FakeSession, PONG } from './fake-runner.ts';
import { type TestPool, until, type useTestGateway } from './use-test-gateway.ts';

/** The input of a ping. */
export const pingInput = { kind: { case: 'ping' as const, value: {} } };

/** What tests of operations do again and again, with the gateway of their describe. */
export function useOperations(gateway: ReturnType<typeof useTestGateway>) {
  const clientOf = (pool: TestPool) => gateway().replica.as(pool.member);
  const read = async (pool: TestPool, uid: string | undefined) =>
    (await (await clientOf(pool)).getOperation({ org: pool.org.slug, operationUid: uid ?? '' })).operation;
  return {
    clientOf,
    read,
    /** Has a ping carried out, and answers the operation as it ends, or detached as it begins. */
    execute: async (pool: TestPool, given: { seconds?: number; detach?: boolean } = {}) =>
      (
        await (
          await clientOf(pool)
        ).executeOperation({
          org: pool.org.slug,
          runner: pool.runner,
          input: pingInput,
          timeout: { seconds: BigInt(given.seconds ?? 20) },
          detach: given.detach ?? false,
          purpose: 'a test',
        })
      ).operation,
    row: (uid: string | undefined) =>
      gateway()
        .database.query.selectFrom('operation')
        .selectAll()
        .where('uid', '=', uid ?? '')
        .executeTakeFirstOrThrow(),
    reaches: (pool: TestPool, uid: string | undefined, state: OperationState) =>
      until(async () => (await read(pool, uid))?.state === state),
    /** Answers the next assignment of a session. */
    pong: async (session: FakeSession): Promise<Assignment> => {
      const assignment = await session.next('assignment');
      session.result(assignment, PONG);
      return assignment;
    },
  };
}
