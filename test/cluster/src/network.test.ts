import { OperationState } from '@planton/api/runner/v1/operation';
import type { Direction, RunnerProcess } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from './start-cluster.ts';

// A network that loses bytes without a word, cuts frames in half, and comes back.

let cluster: Cluster;
let instance: RunnerProcess;

beforeAll(async () => {
  cluster = await startCluster(1);
  instance = await cluster.startInstance('one');
}, 120_000);
afterAll(() => cluster?.stop(), 60_000);

const ping = async (seconds = 90) => {
  const { operation } =
    (await cluster.clients[0]?.runners.executeOperation(
      {
        org: 'acme',
        runner: 'pool',
        input: { kind: { case: 'ping', value: {} } },
        timeout: { seconds: BigInt(seconds) },
      },
      { timeoutMs: (seconds + 5) * 1000 },
    )) ?? {};
  return operation;
};

test.each<Direction | 'both'>(['up', 'down', 'both'])(
  'bytes are lost without a word (%s): both sides notice, and the operation that waited is carried out',
  async (direction) => {
    expect((await ping())?.state).toBe(OperationState.SUCCEEDED);
    cluster.proxy.swallow(direction);
    const waiting = ping();
    await new Promise((resolve) => setTimeout(resolve, 500));
    // Connections made from now on are whole; the old ones never recover.
    cluster.proxy.swallow(undefined);
    expect((await waiting)?.state).toBe(OperationState.SUCCEEDED);
    expect(await instance.isReady()).toBe(true);
  },
  120_000,
);

test('connections cut in the middle of frames lose no operation', async () => {
  for (let round = 0; round < 5; round++) {
    const waiting = Promise.all(Array.from({ length: 20 }, () => ping()));
    cluster.proxy.cut(1 + Math.floor(Math.random() * 3000));
    const operations = await waiting;
    expect(operations.map((operation) => operation?.state)).toEqual(
      operations.map(() => OperationState.SUCCEEDED),
    );
  }
}, 180_000);
