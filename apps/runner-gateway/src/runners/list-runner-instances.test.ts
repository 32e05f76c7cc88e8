import { RunnerInstanceState, RunnerState } from '@planton/api/runner/v1/runner';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { addInstance, addOperation, openTestSession } from './testing/add-rows.ts';
import { useTestRunners } from './testing/use-test-runners.ts';

describe.each(engines)('instances on %s', (kind) => {
  const runners = useTestRunners(kind);

  test('are listed with those that are online first, in pages', async () => {
    const { database } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    const uid = await register('pool');
    const b = await addInstance(database, uid, { name: 'b', seenMinutesAgo: 5 });
    const a = await addInstance(database, uid, { name: 'a' });
    const c = await addInstance(database, uid, { name: 'c' });
    const d = await addInstance(database, uid, { name: 'd' });
    await openTestSession(database, c);
    await openTestSession(database, d, { version: '2.0.0' });
    await addOperation(database, uid, d);
    const listed: { uid: string; state: RunnerInstanceState }[] = [];
    let pageToken = '';
    do {
      const page = await admin.listRunnerInstances({ org, runner: 'pool', pageSize: 1, pageToken });
      listed.push(...page.instances);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    const { ONLINE, OFFLINE } = RunnerInstanceState;
    expect(listed).toMatchObject([
      { uid: c, state: ONLINE, runningOperations: 0 },
      { uid: d, state: ONLINE, runningOperations: 1, version: '2.0.0' },
      { uid: a, state: OFFLINE, certificateGeneration: 1 },
      { uid: b, state: OFFLINE },
    ]);
  });

  test('that are refused are listed when asked for', async () => {
    const { database } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    const uid = await register('pool');
    const revoked = await addInstance(database, uid, { name: 'a' });
    const locked = await addInstance(database, uid, { name: 'b' });
    const good = await addInstance(database, uid, { name: 'c' });
    await admin.revokeRunner({ org, runner: 'pool', instanceUid: revoked });
    await database.query
      .updateTable('runner_instance')
      .set({ lock_time: sql<Date>`now()` })
      .where('uid', '=', locked)
      .execute();
    const states = async (includeRefused: boolean) =>
      (await admin.listRunnerInstances({ org, runner: 'pool', includeRefused })).instances.map((each) => [
        each.uid,
        each.state,
      ]);
    const { OFFLINE, REVOKED, LOCKED } = RunnerInstanceState;
    expect(await states(false)).toEqual([[good, OFFLINE]]);
    expect(await states(true)).toEqual([
      [revoked, REVOKED],
      [locked, LOCKED],
      [good, OFFLINE],
    ]);
    expect((await admin.getRunner({ org, runner: 'pool' })).runner?.status?.instances).toBe(1);
    await admin.revokeRunner({ org, runner: 'pool' });
    expect(await states(false)).toEqual([]);
    expect((await states(true)).map(([, state]) => state)).toEqual([REVOKED, REVOKED, REVOKED]);
  });

  test('whose key was in memory are forgotten soon, and the runner remembers when it was seen', async () => {
    const { database } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    const uid = await register('pool');
    await addInstance(database, uid, { ephemeral: true, seenMinutesAgo: 11 });
    const fresh = await addInstance(database, uid, { ephemeral: true, seenMinutesAgo: 9 });
    const { instances } = await admin.listRunnerInstances({ org, runner: 'pool', includeRefused: true });
    expect(instances.map((each) => each.uid)).toEqual([fresh]);
    await database.query.deleteFrom('runner_instance').where('uid', '=', fresh).execute();
    expect((await admin.getRunner({ org, runner: 'pool' })).runner?.status).toMatchObject({
      state: RunnerState.OFFLINE,
      instances: 0,
      lastSeenTime: expect.anything(),
    });
  });

  test('show what they said of their host, and nothing where it cannot be read', async () => {
    const { database } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    const uid = await register('pool');
    const host = await addInstance(database, uid);
    const hostOf = async (json: string) => {
      await sql`update runner.runner_instance set host = ${json}::text::jsonb where uid = ${host}`.execute(
        database.query,
      );
      return (await admin.listRunnerInstances({ org, runner: 'pool' })).instances[0]?.host;
    };
    expect(await hostOf('{"hostname":"h","cpus":2,"memoryBytes":"1024","later":1}')).toMatchObject({
      hostname: 'h',
      cpus: 2,
      memoryBytes: 1024n,
    });
    expect(await hostOf('{"cpus":"many"}')).toMatchObject({ hostname: '', cpus: 0 });
  });
});
