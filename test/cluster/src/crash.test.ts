import { OperationState } from '@planton/api/runner/v1/operation';
import type { Planton } from '@planton/client';
import type { RunnerProcess } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Cluster, startCluster } from './start-cluster.ts';

// Two servers, two runners, real PostgreSQL, real processes: whatever is killed, every operation ends once in the record.

const OPERATIONS = 2_000;
const IN_FLIGHT = 24;

let cluster: Cluster;
const instances: RunnerProcess[] = [];

beforeAll(async () => {
  cluster = await startCluster(2);
  instances.push(await cluster.startInstance('one'), await cluster.startInstance('two'));
  // Counts, by the database itself, how often each operation comes to an end.
  await cluster.rows(`
    create table public.ends (operation_uid text not null, state text not null, end_time timestamptz default clock_timestamp());
    create function public.note_end() returns trigger language plpgsql security definer as $$
      begin
        if tg_op = 'INSERT' or old.end_time is null or old.state <> new.state then
          insert into public.ends (operation_uid, state) values (new.uid, new.state);
        end if;
        return new;
      end $$;
    create trigger note_end after insert or update on runner.operation
      for each row when (new.end_time is not null) execute function public.note_end();
  `);
}, 180_000);
afterAll(() => cluster?.stop(), 60_000);

/** Submits through whichever server answers; what was not acknowledged is submitted again and is another operation. */
async function submit(index: number): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const client = cluster.clients[(index + attempt) % cluster.clients.length] as Planton;
    try {
      const { operation } = await client.runners.executeOperation(
        {
          org: 'acme',
          runner: 'pool',
          input: { kind: { case: 'ping', value: {} } },
          timeout: { seconds: 300n },
          detach: true,
        },
        { timeoutMs: 10_000 },
      );
      return operation?.uid ?? '';
    } catch (error) {
      if (attempt > 600) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('runners and servers are killed at random; 2,000 operations end exactly once', async () => {
  const acknowledged = new Set<string>();
  let next = 0;
  const work = async () => {
    while (next < OPERATIONS) acknowledged.add(await submit(next++));
  };
  const submitting = Promise.all(Array.from({ length: IN_FLIGHT }, work));

  const reached = async (share: number) => {
    while (acknowledged.size < OPERATIONS * share) await pause(20);
  };
  const [first, second] = cluster.servers;
  const moments = [0.1, 0.3, 0.5, 0.7].map((share) => share + Math.random() * 0.1);
  await reached(moments[0] ?? 0);
  await instances[0]?.end('SIGKILL');
  instances[0] = await cluster.startInstance('one', { wait: false });
  await reached(moments[1] ?? 0);
  await second?.end('SIGKILL');
  await reached(moments[2] ?? 0);
  const back = second?.start();
  await instances[1]?.end('SIGKILL');
  instances[1] = await cluster.startInstance('two', { wait: false });
  await back;
  await reached(moments[3] ?? 0);
  await first?.end('SIGKILL');
  await first?.start();
  await submitting;

  const unfinished = async () =>
    (
      await cluster.rows<{ uid: string; state: string }>(
        "select uid, state from runner.operation where organization_uid <> '' and end_time is null",
      )
    ).length;
  const deadline = Date.now() + 120_000;
  while ((await unfinished()) > 0 && Date.now() < deadline) await pause(200);
  expect(await unfinished()).toBe(0);

  const ended = await cluster.rows<{ uid: string; state: string; ends: number }>(`
    select o.uid, o.state, count(e.operation_uid)::int as ends
    from runner.operation o left join public.ends e on e.operation_uid = o.uid
    group by o.uid, o.state`);
  const byUid = new Map(ended.map((row) => [row.uid, row]));
  const lost = [...acknowledged].filter((uid) => !byUid.has(uid));
  expect(lost).toEqual([]);
  expect(ended.filter(({ ends }) => ends !== 1)).toEqual([]);
  // A ping may be repeated, so nothing but success is an end here.
  expect(ended.filter(({ state }) => state !== 'succeeded')).toEqual([]);
}, 300_000);

test('afterwards both servers carry out operations, whichever has the runner', async () => {
  for (const { runners } of cluster.clients) {
    const { operation } = await runners.executeOperation({
      org: 'acme',
      runner: 'pool',
      input: { kind: { case: 'ping', value: {} } },
    });
    expect(operation?.state).toBe(OperationState.SUCCEEDED);
  }
}, 60_000);
