import { X509Certificate } from 'node:crypto';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { makeRequest } from '../certificates/testing/make-request.ts';
import { keepPlatformRunner } from '../runners/keep-platform-runner.ts';
import { PLATFORM_RUNNER_UID } from '../runners/runner.ts';
import { refusalOf, useTestRunners } from '../runners/testing/use-test-runners.ts';
import { createPlatformToken } from './create-platform-token.ts';

describe.each(engines)('the platform runner on %s', (kind) => {
  const runners = useTestRunners(kind);
  const enrol = async (token: string, given: { ephemeral?: boolean; instanceName?: string } = {}) => {
    const { request, publicKey } = await makeRequest();
    const { stranger } = runners();
    const answer = await stranger.enrollRunner({
      token,
      certificateRequest: request,
      instanceName: 'host-1',
      ...given,
    });
    return { ...answer, publicKey };
  };
  const recordsOf = (organizationUid: string) =>
    runners()
      .database.query.selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', '=', organizationUid)
      .orderBy('sequence')
      .execute();

  test('is registered once and enrols with a token of its own', async () => {
    const { database, deps } = runners();
    await Promise.all([keepPlatformRunner(database), keepPlatformRunner(database)]);
    await keepPlatformRunner(database);
    const text = await createPlatformToken(deps);
    const enrolled = await enrol(text, { ephemeral: false });
    expect(enrolled).toMatchObject({ runnerUid: PLATFORM_RUNNER_UID, runner: '', org: '' });
    const certificate = new X509Certificate(enrolled.certificate?.certificate ?? '');
    expect(certificate.subject).toBe('CN=platform.runner');
    const [instance] = await database.query
      .selectFrom('runner_instance')
      .selectAll()
      .where('runner_uid', '=', PLATFORM_RUNNER_UID)
      .execute();
    expect(instance).toMatchObject({ uid: enrolled.instanceUid, ephemeral: true, organization_uid: '' });
    expect((await refusalOf(enrol(text))).reason).toBe('ENROLMENT_TOKEN_INVALID');
    expect((await recordsOf('')).map(({ action }) => action)).toEqual([
      'runner_token.create',
      'runner_instance.enrol',
    ]);
  });

  test('cannot be named by a tenant', async () => {
    const { database } = runners();
    await keepPlatformRunner(database);
    const { slug: org, admin, register } = await runners().newOrganization();
    for (const runner of [PLATFORM_RUNNER_UID, 'Platform runner']) {
      expect((await refusalOf(admin.getRunner({ org, runner }))).reason).toBe('RUNNER_NOT_FOUND');
    }
    expect(await register('Platform runner')).not.toBe(PLATFORM_RUNNER_UID);
    expect((await admin.listRunners({ org })).runners).toHaveLength(1);
  });

  test('forgets its tokens when they have expired', async () => {
    const { database, deps } = runners();
    await keepPlatformRunner(database);
    await createPlatformToken(deps);
    await database.query
      .updateTable('enrolment_token')
      .set({ expire_time: sql<Date>`now() - interval '1 second'` })
      .where('runner_uid', '=', PLATFORM_RUNNER_UID)
      .execute();
    const text = await createPlatformToken(deps);
    const rows = await database.query
      .selectFrom('enrolment_token')
      .select(['use_limit', sql<number>`extract(epoch from expire_time - create_time)::int`.as('seconds')])
      .where('runner_uid', '=', PLATFORM_RUNNER_UID)
      .execute();
    expect(rows).toEqual([{ use_limit: 1, seconds: 300 }]);
    await enrol(text);
  });
});
