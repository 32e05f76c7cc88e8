import { RunnerState } from '@planton/api/runner/v1/runner';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { addInstance, addOperation } from './testing/add-rows.ts';
import { refusalOf, until, useTestRunners } from './testing/use-test-runners.ts';

describe.each(engines)('the end of runners on %s', (kind) => {
  const runners = useTestRunners(kind);
  const recordsOf = async (action: string, organizationUid: string) =>
    runners()
      .database.query.selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', '=', organizationUid)
      .where('action', '=', action)
      .execute();

  describe('revoking', () => {
    test('a runner ends it for ever, with what waits for it', async () => {
      const { database, woken } = runners();
      const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
      const uid = await register('pool');
      const instance = await addInstance(database, uid);
      const waiting = await addOperation(database, uid);
      const running = await addOperation(database, uid, instance);
      woken.length = 0;
      const { runner } = await admin.revokeRunner({ org, runner: 'pool' });
      expect(runner).toMatchObject({ metadata: { revision: 2 }, status: { state: RunnerState.REVOKED } });
      expect(runner?.status?.revokeTime).toBeDefined();
      await until(() => woken.length === 3);
      expect(woken.toSorted()).toEqual([`changed ${orgUid}`, `ended ${waiting}`, 'revoked']);
      const operations = await database.query
        .selectFrom('operation')
        .select(['uid', 'state', 'payload', 'error'])
        .where('uid', 'in', [waiting, running])
        .execute();
      expect(new Map(operations.map((each) => [each.uid, each]))).toEqual(
        new Map([
          [
            waiting,
            {
              uid: waiting,
              state: 'failed',
              payload: null,
              error: expect.objectContaining({
                reason: 'RUNNER_REVOKED',
                kind: 'OPERATION_ERROR_KIND_OFFLINE',
              }),
            },
          ],
          [running, expect.objectContaining({ state: 'running', error: null })],
        ]),
      );
      const again = await admin.revokeRunner({ org, runner: 'pool' });
      expect(again.runner).toEqual(runner);
      const revocations = await database.query
        .selectFrom('revocation')
        .selectAll()
        .where('runner_uid', '=', uid)
        .execute();
      expect(revocations).toMatchObject([{ instance_uid: '', reason: 'revoked' }]);
      expect(await recordsOf('runner.revoke', orgUid)).toMatchObject([
        { details: { failed_operations: '1' } },
      ]);
      expect(await refusalOf(admin.createRunnerToken({ org, runner: 'pool' }))).toMatchObject({
        kind: 'state',
        reason: 'RUNNER_REVOKED',
      });
    });

    test('one instance leaves the others', async () => {
      const { database } = runners();
      const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
      const uid = await register('pool');
      const other = await register('other');
      const [one, foreign] = [await addInstance(database, uid), await addInstance(database, other)];
      await addInstance(database, uid);
      for (const instanceUid of ['unknown', foreign]) {
        expect(await refusalOf(admin.revokeRunner({ org, runner: 'pool', instanceUid }))).toMatchObject({
          kind: 'missing',
          reason: 'RUNNER_INSTANCE_NOT_FOUND',
        });
      }
      const waiting = await addOperation(database, uid);
      for (let i = 0; i < 2; i++) {
        const { runner } = await admin.revokeRunner({ org, runner: 'pool', instanceUid: one });
        expect(runner?.status).toMatchObject({
          state: RunnerState.PENDING,
          instances: 1,
          queuedOperations: 1,
        });
      }
      expect(
        await database.query.selectFrom('revocation').selectAll().where('runner_uid', '=', uid).execute(),
      ).toMatchObject([{ instance_uid: one, reason: 'revoked' }]);
      expect(await recordsOf('runner_instance.revoke', orgUid)).toHaveLength(1);
      await database.query.deleteFrom('operation').where('uid', '=', waiting).execute();
    });
  });

  describe('deleting', () => {
    test('takes instances and tokens along, ends sessions, and frees the slug for another runner', async () => {
      const { database, woken } = runners();
      const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
      const uid = await register('pool');
      const instance = await addInstance(database, uid);
      await admin.createRunnerToken({ org, runner: 'pool' });
      const waiting = await addOperation(database, uid);
      woken.length = 0;
      await admin.deleteRunner({ org, runner: 'pool' });
      await until(() => woken.length === 3);
      expect(woken.toSorted()).toEqual([`changed ${orgUid}`, `ended ${waiting}`, 'revoked']);
      const { query } = database;
      expect(
        await query.selectFrom('runner_instance').select('uid').where('uid', '=', instance).execute(),
      ).toEqual([]);
      expect(
        await query.selectFrom('enrolment_token').select('uid').where('runner_uid', '=', uid).execute(),
      ).toEqual([]);
      expect(
        await query.selectFrom('revocation').selectAll().where('runner_uid', '=', uid).execute(),
      ).toMatchObject([{ instance_uid: '', reason: 'revoked' }]);
      expect(
        await query.selectFrom('operation').select(['state', 'error']).where('uid', '=', waiting).execute(),
      ).toMatchObject([{ state: 'failed', error: { reason: 'RUNNER_DELETED' } }]);
      expect(await recordsOf('runner.delete', orgUid)).toMatchObject([{ resource_uid: uid }]);
      expect((await refusalOf(admin.deleteRunner({ org, runner: 'pool' }))).reason).toBe('RUNNER_NOT_FOUND');

      const young = await register('pool');
      expect(young).not.toBe(uid);
      expect((await admin.getRunner({ org, runner: 'pool' })).runner?.status).toMatchObject({
        state: RunnerState.PENDING,
        instances: 0,
        queuedOperations: 0,
      });
    });
  });
});
