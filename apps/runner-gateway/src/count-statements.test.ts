import { watchStatements } from '@planton/database/testing';
import { expect, test } from 'vitest';
import { PONG } from './testing/fake-runner.ts';
import { useTestGateway } from './testing/use-test-gateway.ts';

// What a call costs, as docs/architecture.md says it. Another number here is another number there.

const gateway = useTestGateway('postgres');

test('an operation that a session takes: 2, its record, its result and its audit record included', async () => {
  const pool = await gateway().newPool();
  const session = await pool.connect();
  const client = await gateway().replica.as(pool.member);
  const runOne = async () => {
    let uid = '';
    const seen = await watchStatements(async () => {
      const answer = client.executeOperation({
        org: pool.org.slug,
        runner: pool.runner,
        input: { kind: { case: 'ping', value: {} } },
      });
      session.result(await session.next('assignment'), PONG);
      uid = (await answer).operation?.uid ?? '';
    });
    return seen.filter(({ parameters }) => JSON.stringify(parameters).includes(uid)).length;
  };
  // A loop of the gateway may look at an operation while it is carried out: at one of them, never at all.
  const counts = [await runOne(), await runOne(), await runOne(), await runOne()];
  expect(Math.min(...counts)).toBe(2);
  session.cut();
});
