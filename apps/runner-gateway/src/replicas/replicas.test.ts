import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, type Engine, migrate, openDatabase } from '@planton/database';
import { engines, useTestEngine } from '@planton/database/testing';
import type { Logger } from '@planton/rpc';
import { sql } from 'kysely';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { type RunnerTables, SCHEMA } from '../schema.ts';
import { keepLease, type LeaseState } from './keep-lease.ts';
import { reapReplicas } from './replica-store.ts';
import { createWake, type RunningWake, type WakeHandlers } from './wake.ts';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('it did not come to be');
    await sleep(10);
  }
}

describe.each(engines)('replicas on %s', (kind) => {
  const engine = useTestEngine(kind);
  let database: Database<RunnerTables>;
  const stopping: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    await migrate(engine(), SCHEMA, migrations);
    database = openDatabase<RunnerTables>(engine(), SCHEMA);
  });
  afterEach(async () => {
    for (const stop of stopping.splice(0)) await stop();
  });

  const lease = (replicaUid: string, overrides: Partial<Parameters<typeof keepLease>[0]> = {}) => {
    const made = keepLease({
      database,
      replicaUid,
      monotonic: () => performance.now(),
      random: () => 0,
      logger: silent,
      onCutOff: () => {},
      onHeld: () => {},
      onReaped: () => {},
      ...overrides,
    });
    stopping.push(() => made.stop());
    return made;
  };
  const replicas = async () =>
    (await database.query.selectFrom('replica').select('uid').orderBy('uid').execute()).map(({ uid }) => uid);

  test('each knows whether there are others, and takes its leave', async () => {
    const one = lease('one');
    const two = lease('two');
    await one.start();
    expect(one.hasPeers()).toBe(false);
    await two.start();
    expect(two.hasPeers()).toBe(true);
    await until(() => one.hasPeers());
    expect(await replicas()).toEqual(['one', 'two']);
    await two.stop();
    expect(await replicas()).toEqual(['one']);
    await until(() => !one.hasPeers());
  });

  test('one that cannot reach the database stops acting, then ends its sessions, then comes back', async () => {
    let clock = 0;
    let reachable = true;
    const seen: LeaseState[] = [];
    const broken = new Proxy(database, {
      get: (target, name, receiver) => {
        if (name === 'query' && !reachable) throw new Error('the database is away');
        return Reflect.get(target, name, receiver);
      },
    });
    const made = lease('cut', {
      database: broken,
      monotonic: () => clock,
      onHeld: () => seen.push('held'),
      onCutOff: () => seen.push('cut_off'),
    });
    expect(made.state()).toBe('cut_off');
    await made.start();
    expect(made.state()).toBe('held');
    reachable = false;
    clock += 2_100;
    expect(made.state()).toBe('suspended');
    clock += 8_000;
    expect(made.state()).toBe('cut_off');
    expect(made.state()).toBe('cut_off');
    expect(seen).toEqual(['held', 'cut_off']);
    reachable = true;
    await until(() => made.state() === 'held');
    expect(seen).toEqual(['held', 'cut_off', 'held']);
  });

  test('what a dead one had is reaped once, however many look', async () => {
    const { query } = database;
    const past = sql<Date>`now() - interval '20 seconds'`;
    await query.insertInto('replica').values({ uid: 'dead', heartbeat_time: past }).execute();
    await query.insertInto('replica').values({ uid: 'alive' }).execute();
    await query
      .insertInto('runner')
      .values({
        uid: 'runner',
        organization_uid: 'org',
        organization_slug: 'acme',
        slug: 'r',
        name: 'r',
        created_by: 'ada',
        updated_by: 'ada',
      })
      .execute();
    for (const [uid, replica] of [
      ['i1', 'dead'],
      ['i2', 'dead'],
      ['i3', 'alive'],
    ] as const) {
      await query
        .insertInto('runner_instance')
        .values({
          uid,
          runner_uid: 'runner',
          organization_uid: 'org',
          name: uid,
          public_key: Buffer.alloc(1),
          ephemeral: false,
          generation: 1,
          used_generation: 1,
          certificate_expire_time: past,
        })
        .execute();
      await query
        .insertInto('session')
        .values({
          instance_uid: uid,
          uid: `s-${uid}`,
          runner_uid: 'runner',
          organization_uid: 'org',
          replica_uid: replica,
          max_in_flight: 1,
          version: '1',
        })
        .execute();
      await query
        .insertInto('operation')
        .values({
          uid: `o-${uid}`,
          organization_uid: 'org',
          runner_uid: 'runner',
          kind: 'ping',
          state: 'running',
          attempt: 1,
          instance_uid: uid,
          replica_uid: replica,
          requester_replica_uid: replica,
          idempotent: true,
          deadline: past,
          connection_uid: '',
          connection_slug: '',
          requested_by: 'ada',
          request_id: 'r',
        })
        .execute();
    }
    const reaped = await Promise.all(Array.from({ length: 5 }, () => reapReplicas(query)));
    expect(reaped.filter(({ replicas: count }) => count > 0)).toEqual([
      { replicas: 1, sessions: 2, operations: 2, organizationUids: ['org'] },
    ]);
    expect(await query.selectFrom('session').select('instance_uid').execute()).toEqual([
      { instance_uid: 'i3' },
    ]);
    const seen = await query
      .selectFrom('runner_instance')
      .select(['uid', 'last_seen_time'])
      .orderBy('uid')
      .execute();
    expect(seen.map(({ last_seen_time }) => last_seen_time !== null)).toEqual([true, true, false]);
    const operations = await query
      .selectFrom('operation')
      .select(['uid', 'lost_time'])
      .orderBy('uid')
      .execute();
    expect(operations.map(({ lost_time }) => lost_time !== null)).toEqual([true, true, false]);
    for (const table of ['operation', 'session', 'runner_instance', 'runner', 'replica'] as const)
      await query.deleteFrom(table).execute();
  });

  describe('waking', () => {
    interface Heard {
      readonly wake: RunningWake;
      readonly heard: string[];
    }
    const wakeOf = async (
      replicaUid: string,
      hasPeers = () => true,
      on: Engine = engine(),
    ): Promise<Heard> => {
      const heard: string[] = [];
      const handlers: WakeHandlers = {
        work: (uid) => heard.push(`work ${uid}`),
        ended: (uid) => heard.push(`ended ${uid}`),
        cancelled: (uid) => heard.push(`cancelled ${uid}`),
        revoked: () => heard.push('revoked'),
        changed: (uid) => heard.push(`changed ${uid}`),
        superseded: (uid) => heard.push(`superseded ${uid}`),
        all: () => heard.push('all'),
      };
      const wake = createWake({ engine: on, replicaUid, handlers, hasPeers, logger: silent });
      stopping.push(() => wake.close());
      await until(() => heard.includes('all'));
      heard.length = 0;
      return { wake, heard };
    };

    test('everyone hears what is for everyone, once; one replica hears what is for it', async () => {
      const one = await wakeOf('one');
      const two = await wakeOf('two');
      const changes: string[] = [];
      const stopListening = two.wake.onChanged((uid) => changes.push(uid));
      for (let i = 0; i < 500; i++) one.wake.work(`runner-${i % 100}`);
      one.wake.ended('two', 'op-1');
      one.wake.ended('one', 'op-2');
      one.wake.cancelled('two', 'op-3');
      one.wake.revoked();
      one.wake.changed('org');
      await until(() => two.heard.includes('changed org') && one.heard.includes('changed org'));
      const work = Array.from({ length: 100 }, (_, i) => `work runner-${i}`);
      expect(one.heard.toSorted()).toEqual([...work, 'ended op-2', 'revoked', 'changed org'].toSorted());
      expect(two.heard.toSorted()).toEqual(
        [...work, 'ended op-1', 'cancelled op-3', 'revoked', 'changed org'].toSorted(),
      );
      expect(changes).toEqual(['org']);
      stopListening();
      one.wake.changed('org');
      await until(() => two.heard.filter((each) => each === 'changed org').length === 2);
      expect(changes).toEqual(['org']);
    });

    test('one that is alone sends nothing', async () => {
      const one = await wakeOf('one', () => false);
      const two = await wakeOf('two');
      one.wake.work('a');
      two.wake.work('b');
      await until(() => two.heard.includes('work b') && one.heard.includes('work b'));
      expect(two.heard).toEqual(['work b']);
      expect(one.heard).toEqual(['work a', 'work b']);
    });

    test('what strangers send to the channel harms nobody', async () => {
      const one = await wakeOf('one');
      for (const payload of [
        '',
        'nonsense',
        '{}',
        '{"from":1,"items":[]}',
        '{"from":"x","items":[["all","",""],["work"],["__proto__","",""],["work",1,""],["work","r",""]]}',
      ])
        await sql`select pg_notify('planton_runner_gateway', ${payload})`.execute(engine().kysely);
      await until(() => one.heard.includes('work r'));
      expect(one.heard).toEqual(['work r']);
    });
  });
});
