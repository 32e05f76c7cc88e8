import { randomUUID } from 'node:crypto';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { addInstance, openTestSession } from '../runners/testing/add-rows.ts';
import { useTestRunners } from '../runners/testing/use-test-runners.ts';
import { sweepRunners } from './sweep-runners.ts';

describe.each(engines)('sweeping on %s', (kind) => {
  const runners = useTestRunners(kind);

  test('forgets ephemeral instances that are gone, all but the one of a runner that was seen last', async () => {
    const { database } = runners();
    const { register } = await runners().newOrganization();
    const [pool, quiet] = [await register('pool'), await register('quiet')];
    const add = (runner: string, ephemeral: boolean, seenMinutesAgo?: number) =>
      addInstance(database, runner, {
        ephemeral,
        ...(seenMinutesAgo === undefined ? {} : { seenMinutesAgo }),
      });
    const lasting = await add(pool, false, 60);
    const connected = await add(pool, true, 60);
    await openTestSession(database, connected);
    const fresh = await add(pool, true, 9);
    const enrolledNow = await add(pool, true);
    await add(pool, true, 11);
    await add(pool, true, 12);
    const neverConnected = await add(pool, true);
    await database.query
      .updateTable('runner_instance')
      .set({ enroll_time: sql<Date>`now() - interval '11 minutes'` })
      .where('uid', '=', neverConnected)
      .execute();
    const last = await add(quiet, true, 11);
    await add(quiet, true, 12);

    const { query } = database;
    const left = async () =>
      new Set((await query.selectFrom('runner_instance').select('uid').execute()).map(({ uid }) => uid));
    await Promise.all([sweepRunners(database), sweepRunners(database)]);
    await sweepRunners(database);
    expect(await left()).toEqual(new Set([lasting, connected, fresh, enrolledNow, last]));

    await query.deleteFrom('session').where('instance_uid', '=', connected).execute();
    await sweepRunners(database);
    expect(await left()).toEqual(new Set([lasting, fresh, enrolledNow, last]));
  });

  test('forgets nonces that have ended and revocations of the day before', async () => {
    const { query } = runners().database;
    const addNonce = async (name: string, end: string) => {
      await query
        .insertInto('recovery_nonce')
        .values({ hash: Buffer.from(name), expire_time: sql<Date>`now() + ${end}::interval` })
        .execute();
    };
    await addNonce('living', '1 minute');
    await addNonce('just ended', '-1 minute');
    await addNonce('ended', '-61 minutes');
    const addRevocation = async (uid: string, age: string) => {
      await query
        .insertInto('revocation')
        .values({
          uid,
          runner_uid: randomUUID(),
          instance_uid: '',
          reason: 'revoked',
          revoke_time: sql<Date>`now() - ${age}::interval`,
        })
        .execute();
    };
    await addRevocation('young', '23 hours');
    await addRevocation('old', '25 hours');
    await sweepRunners(runners().database);
    const nonces = await query.selectFrom('recovery_nonce').select('hash').execute();
    expect(nonces.map(({ hash }) => hash.toString()).toSorted()).toEqual(['just ended', 'living']);
    expect(await query.selectFrom('revocation').select('uid').execute()).toEqual([{ uid: 'young' }]);
  });
});

describe('sweeping on postgres while sessions open', () => {
  const runners = useTestRunners('postgres');

  test('leaves alone what another transaction has in hand', async () => {
    const { database } = runners();
    const { register } = await runners().newOrganization();
    const uid = await register('pool');
    const opening = await addInstance(database, uid, { ephemeral: true, seenMinutesAgo: 30 });
    await addInstance(database, uid, { ephemeral: true, seenMinutesAgo: 20 });
    const { promise: swept, resolve: sweepDone } = Promise.withResolvers<void>();
    const { promise: locked, resolve: lockTaken } = Promise.withResolvers<void>();
    const open = database.transact(async (tx) => {
      await tx
        .selectFrom('runner_instance')
        .select('uid')
        .where('uid', '=', opening)
        .forUpdate()
        .executeTakeFirstOrThrow();
      lockTaken();
      await swept;
    });
    await locked;
    await sweepRunners(database);
    sweepDone();
    await open;
    const find = () =>
      database.query.selectFrom('runner_instance').select('uid').where('uid', '=', opening).execute();
    expect(await find()).toHaveLength(1);
    await openTestSession(database, opening);
    await sweepRunners(database);
    expect(await find()).toHaveLength(1);
  });
});
