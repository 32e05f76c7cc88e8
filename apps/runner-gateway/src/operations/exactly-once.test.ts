import { setTimeout as sleep } from 'node:timers/promises';
import { OperationState } from '@planton/api/runner/v1/operation';
import type { AttemptReference } from '@planton/api/runner/v1/session';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { SCHEMA } from '../schema.ts';
import { type FakeSession, openFakeSession, PONG, type RunnerIdentity } from '../testing/fake-runner.ts';
import { type TestGateway, type TestReplica, useTestGateway } from '../testing/use-test-gateway.ts';
import { isFinal, transitions } from './operation.ts';

const input = { kind: { case: 'ping' as const, value: {} } };

/** Numbers that look random and are the same every time. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What a runner does: reconnects for ever, brings along what it has, keeps results until they are acknowledged. */
class Agent {
  readonly #identity: RunnerIdentity;
  readonly #replicas: readonly TestReplica[];
  readonly #random: () => number;
  readonly #inFlight = new Map<string, AttemptReference>();
  readonly #results = new Map<string, AttemptReference>();
  #session: FakeSession | undefined;
  #stopped = false;
  sessions = 0;

  constructor(identity: RunnerIdentity, replicas: readonly TestReplica[], random: () => number) {
    this.#identity = identity;
    this.#replicas = replicas;
    this.#random = random;
  }

  cut(): void {
    this.#session?.cut();
  }

  stop(): void {
    this.#stopped = true;
    this.cut();
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const replica = this.#replicas[Math.floor(this.#random() * this.#replicas.length)];
      if (replica) await this.#hold(openFakeSession(replica.listener.url, this.#identity)).catch(() => {});
    }
  }

  async #hold(session: FakeSession): Promise<void> {
    this.#session = session;
    this.sessions += 1;
    const brought = [...this.#inFlight.values(), ...this.#results.values()];
    session.hello({
      maxInFlight: 20,
      inFlight: [...this.#inFlight.values()],
      unacknowledged: [...this.#results.values()],
    });
    await session.next('welcome');
    if (brought.length > 0) {
      const keep = new Set((await session.next('reconcile')).keep.map(({ operationUid }) => operationUid));
      for (const map of [this.#inFlight, this.#results])
        for (const uid of [...map.keys()]) if (!keep.has(uid)) map.delete(uid);
      for (const attempt of this.#results.values()) session.result({ attempt } as never, PONG);
      for (const attempt of this.#inFlight.values()) void this.#carryOut(attempt);
    }
    await Promise.race([session.ended, this.#takeAcks(session), this.#takeAssignments(session)]);
  }

  async #takeAssignments(session: FakeSession): Promise<void> {
    for (;;) {
      const { attempt } = await session.next('assignment');
      if (!attempt) return;
      this.#inFlight.set(attempt.operationUid, attempt);
      void this.#carryOut(attempt);
    }
  }

  async #takeAcks(session: FakeSession): Promise<void> {
    for (;;) this.#results.delete((await session.next('ack')).attempt?.operationUid ?? '');
  }

  async #carryOut(attempt: AttemptReference): Promise<void> {
    await sleep(this.#random() * 5);
    if (this.#inFlight.get(attempt.operationUid) !== attempt) return;
    this.#inFlight.delete(attempt.operationUid);
    this.#results.set(attempt.operationUid, attempt);
    this.#session?.result({ attempt } as never, PONG);
  }
}

/** Writes down every change of an operation's state, in the database itself. */
async function watchStates({ database }: TestGateway): Promise<void> {
  const { query } = database;
  await sql`create table ${sql.table(`${SCHEMA}.change`)} (uid text, before text, after text, end_time timestamptz)`.execute(
    query,
  );
  await sql`
    create function ${sql.table(`${SCHEMA}.note_change`)}() returns trigger language plpgsql as $$
    begin
      insert into ${sql.raw(SCHEMA)}.change values (new.uid, case when tg_op = 'UPDATE' then old.state end, new.state, new.end_time);
      return new;
    end $$`.execute(query);
  await sql`
    create trigger note_change after insert or update of state, end_time on ${sql.table(`${SCHEMA}.operation`)}
    for each row execute function ${sql.table(`${SCHEMA}.note_change`)}()`.execute(query);
}

describe.each(engines)('a stream of operations over sessions that are cut, on %s', (kind) => {
  const operations = kind === 'postgres' ? 2_000 : 500;
  const gateway = useTestGateway(kind, {
    replicas: kind === 'postgres' ? 2 : 1,
    overrides: { times: { lostMs: 2_000 } },
  });

  test('each ends once', { timeout: 240_000 }, async () => {
    await watchStates(gateway());
    const random = createRandom(20_261_124);
    const { replicas } = gateway();
    const pool = await gateway().newPool();
    const agents = await Promise.all(
      Array.from({ length: 3 }, async () => new Agent(await pool.addInstance(), replicas, random)),
    );
    const running = agents.map((agent) => agent.run());
    let left = operations;
    const states = new Map<OperationState | undefined, number>();
    const ask = async (replica: TestReplica) => {
      const client = await replica.as(pool.member);
      for (; left > 0; ) {
        left -= 1;
        const { operation } = await client.executeOperation({
          org: pool.org.slug,
          runner: pool.runner,
          input,
          timeout: { seconds: 120n },
        });
        states.set(operation?.state, (states.get(operation?.state) ?? 0) + 1);
      }
    };
    const asking = Promise.all(
      Array.from({ length: 16 }, (_, index) => ask(replicas[index % replicas.length] ?? gateway().replica)),
    );
    let done = false;
    const disturb = async () => {
      while (!done) {
        await sleep(20 + random() * 150);
        agents[Math.floor(random() * agents.length)]?.cut();
      }
    };
    const disturbing = disturb();
    await asking;
    done = true;
    await disturbing;
    for (const agent of agents) agent.stop();
    await Promise.all(running);

    expect(states).toEqual(new Map([[OperationState.SUCCEEDED, operations]]));
    expect(agents.reduce((sum, { sessions }) => sum + sessions, 0)).toBeGreaterThan(6);
    const { rows } = await sql<{ uid: string; before: string | null; after: string; end_time: Date | null }>`
      select uid, before, after, end_time from ${sql.table(`${SCHEMA}.change`)}`.execute(
      gateway().database.query,
    );
    const ends = new Map<string, number>();
    for (const { uid, before, after, end_time } of rows) {
      const final = isFinal(after as keyof typeof transitions);
      expect(final).toBe(end_time !== null);
      if (before !== null && before !== after)
        expect(transitions[before as keyof typeof transitions]).toContain(after);
      if (final) ends.set(uid, (ends.get(uid) ?? 0) + 1);
    }
    expect(ends.size).toBe(operations);
    expect(new Set(ends.values())).toEqual(new Set([1]));
  });
});
