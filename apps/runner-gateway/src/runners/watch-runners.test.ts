import { RunnerStateSchema } from '@planton/api/runner/v1/runner';
import type { WatchRunnersResponse } from '@planton/api/runner/v1/runner_service';
import type { Database } from '@planton/database';
import { engines } from '@planton/database/testing';
import { afterEach, describe, expect, test } from 'vitest';
import type { RunnerTables } from '../schema.ts';
import { createRunnerFeeds } from './runner-feed.ts';
import { addInstance, addOperation, openTestSession } from './testing/add-rows.ts';
import { refusalOf, type TestOrganization, until, useTestRunners } from './testing/use-test-runners.ts';

/** What a watcher was told, in words. */
interface Watching {
  readonly told: string[];
  readonly ended: Promise<unknown>;
  stop(): void;
}

function describeEvent({ event }: WatchRunnersResponse): string {
  if (event.case === 'runner') {
    const { metadata, status } = event.value;
    const work = `${status?.onlineInstances} online ${status?.runningOperations} running ${status?.queuedOperations} queued`;
    return `${metadata?.slug} ${RunnerStateSchema.value[status?.state ?? 0]?.localName} ${work}`;
  }
  return event.case === 'deleted' ? `${event.value} deleted` : `${event.case}`;
}

describe.each(engines)('WatchRunners on %s', (kind) => {
  const runners = useTestRunners(kind);
  const watching: Watching[] = [];
  afterEach(async () => {
    for (const each of watching.splice(0)) {
      each.stop();
      await each.ended;
    }
  });

  const watch = ({ slug: org, admin }: Pick<TestOrganization, 'slug' | 'admin'>): Watching => {
    const stopping = new AbortController();
    const told: string[] = [];
    const run = async () => {
      for await (const event of admin.watchRunners({ org }, { signal: stopping.signal })) {
        told.push(describeEvent(event));
      }
    };
    const made = { told, ended: run().catch((error: unknown) => error), stop: () => stopping.abort() };
    watching.push(made);
    return made;
  };

  test('tells every runner, that this was all, and then what changes', async () => {
    const { database, wake } = runners();
    const organization = await runners().newOrganization();
    const { slug: org, uid: orgUid, admin, register } = organization;
    const uid = await register('a');
    await register('b');
    const { told } = watch(organization);
    await until(() => told.includes('complete'));
    expect(told).toEqual([
      'a PENDING 0 online 0 running 0 queued',
      'b PENDING 0 online 0 running 0 queued',
      'complete',
    ]);

    told.length = 0;
    await register('c');
    await until(() => told.length === 1);
    const instance = await addInstance(database, uid);
    await openTestSession(database, instance);
    wake.changed(orgUid);
    await until(() => told.length === 2);
    // Nobody says so: it is noticed all the same.
    const operation = await addOperation(database, uid);
    await until(() => told.length === 3);
    await database.query.deleteFrom('operation').where('uid', '=', operation).execute();
    await database.query.deleteFrom('session').execute();
    await until(() => told.some((each) => each === 'a PENDING 0 online 0 running 0 queued'));
    await admin.deleteRunner({ org, runner: 'b' });
    await until(() => told.includes('b deleted'));
    expect(told).toEqual(
      expect.arrayContaining([
        'c PENDING 0 online 0 running 0 queued',
        'a ONLINE 1 online 0 running 0 queued',
        'a ONLINE 1 online 0 running 1 queued',
      ]),
    );
    expect(told.filter((each) => each.startsWith('c'))).toHaveLength(1);
  });

  test('a slug that is made again is told as gone, then as new', async () => {
    const organization = await runners().newOrganization();
    const { slug: org, admin, register } = organization;
    await register('a');
    const { told } = watch(organization);
    await until(() => told.includes('complete'));
    told.length = 0;
    await admin.deleteRunner({ org, runner: 'a' });
    await register('a');
    await until(() => told.some((each) => each.startsWith('a PENDING')));
    expect(told).toEqual(['a deleted', 'a PENDING 0 online 0 running 0 queued']);
  });

  test('a watcher that comes later knows what was done before it came', async () => {
    const organization = await runners().newOrganization();
    const first = watch(organization);
    await until(() => first.told.includes('complete'));
    for (let i = 0; i < 5; i++) {
      await organization.register(`r${i}`);
      const { told } = watch(organization);
      await until(() => told.includes('complete'));
      expect(told).toHaveLength(i + 2);
    }
    await until(() => first.told.length === 6);
  });

  test('shows one organisation alone, to those who may see it', async () => {
    const one = await runners().newOrganization();
    const two = await runners().newOrganization();
    await one.register('a');
    const { told } = watch(two);
    await until(() => told.includes('complete'));
    expect(told).toEqual(['complete']);
    const stranger = watch({ slug: one.slug, admin: two.admin });
    expect(await refusalOf(Promise.reject(await stranger.ended))).toMatchObject({
      reason: 'ORGANIZATION_NOT_FOUND',
    });
  });
});

describe('the feed of runners', () => {
  const runners = useTestRunners('pglite');

  /** The database, with every read counted; fails where it is told to. */
  const counted = () => {
    const counts = { reads: 0, failing: false };
    const { database } = runners();
    const watched: Database<RunnerTables> = {
      ...database,
      get query() {
        counts.reads += 1;
        if (counts.failing) throw new Error('the database is away');
        return database.query;
      },
    };
    return { counts, feeds: createRunnerFeeds({ database: watched, wake: runners().wake }) };
  };

  test('reads once for all watchers of an organisation, and stops when they have gone', async () => {
    const { uid } = await runners().newOrganization();
    const { counts, feeds } = counted();
    const stopping = new AbortController();
    const watchers = Array.from({ length: 50 }, () => feeds.watch(uid, stopping.signal));
    await Promise.all(watchers.map((watcher) => watcher.next()));
    expect(counts.reads).toBeLessThanOrEqual(2);
    const ends = watchers.map((watcher) => watcher.next());
    stopping.abort();
    expect((await Promise.all(ends)).every(({ done }) => done)).toBe(true);
    const after = counts.reads;
    runners().wake.changed(uid);
    await new Promise((resolve) => setTimeout(resolve, 1_300));
    expect(counts.reads).toBe(after);
  });

  test('reads no more than ten times a second, however much changes', async () => {
    const { uid } = await runners().newOrganization();
    const { counts, feeds } = counted();
    const stopping = new AbortController();
    const watcher = feeds.watch(uid, stopping.signal);
    await watcher.next();
    const next = watcher.next();
    const started = performance.now();
    while (performance.now() - started < 500) {
      runners().wake.changed(uid);
      await new Promise(setImmediate);
    }
    expect(counts.reads).toBeLessThanOrEqual((performance.now() - started) / 100 + 2);
    stopping.abort();
    await next;
  });

  test('ends its watchers with what reading threw, and begins anew for the next', async () => {
    const { uid } = await runners().newOrganization();
    const { counts, feeds } = counted();
    const { signal } = new AbortController();
    const watcher = feeds.watch(uid, signal);
    await watcher.next();
    counts.failing = true;
    await expect(watcher.next()).rejects.toThrow('the database is away');
    counts.failing = false;
    const another = feeds.watch(uid, signal);
    expect((await another.next()).value).toEqual(new Map());
    await another.return();
  });

  test('takes a hundred watchers of one organisation', async () => {
    const { uid } = await runners().newOrganization();
    const other = await runners().newOrganization();
    const { feeds } = counted();
    const { signal } = new AbortController();
    const watchers = Array.from({ length: 100 }, () => feeds.watch(uid, signal));
    await Promise.all(watchers.map((watcher) => watcher.next()));
    expect(await refusalOf(feeds.watch(uid, signal).next())).toMatchObject({
      kind: 'quota',
      reason: 'TOO_MANY_WATCHERS',
    });
    const elsewhere = feeds.watch(other.uid, signal);
    await elsewhere.next();
    await watchers[0]?.return();
    const late = feeds.watch(uid, signal);
    await late.next();
    for (const watcher of [...watchers, elsewhere, late]) await watcher.return();
  });
});
