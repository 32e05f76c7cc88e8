import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { refusalOf, useTestRunners } from '../runners/testing/use-test-runners.ts';

describe.each(engines)('runner tokens on %s', (kind) => {
  const runners = useTestRunners(kind);
  const recordsOf = (organizationUid: string) =>
    runners()
      .database.query.selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', '=', organizationUid)
      .orderBy('sequence')
      .execute();

  test('live as long as asked for, an hour otherwise', async () => {
    const { slug: org, admin, register } = await runners().newOrganization();
    await register('a');
    const lifetimeOf = async (seconds?: bigint) => {
      const { token } = await admin.createRunnerToken({
        org,
        runner: 'a',
        ...(seconds === undefined ? {} : { lifetime: { seconds } }),
      });
      return Number(token?.expireTime?.seconds) - Number(token?.createTime?.seconds);
    };
    expect(await lifetimeOf()).toBe(3_600);
    expect(await lifetimeOf(86_400n)).toBe(86_400);
    expect((await refusalOf(lifetimeOf(59n))).reason).toBe('VALIDATION_FAILED');
    expect((await refusalOf(lifetimeOf(31_622_401n))).reason).toBe('VALIDATION_FAILED');
  });

  test('are listed newest first, in pages, without their text', async () => {
    const { slug: org, admin, register, as } = await runners().newOrganization();
    await register('a');
    const made: string[] = [];
    for (let i = 0; i < 5; i++) {
      made.unshift((await admin.createRunnerToken({ org, runner: 'a' })).token?.uid ?? '');
    }
    const viewer = await as('viewer');
    const listed: string[] = [];
    let pageToken = '';
    do {
      const page = await viewer.listRunnerTokens({ org, runner: 'a', pageSize: 2, pageToken });
      listed.push(...page.tokens.map(({ uid }) => uid));
      expect(
        JSON.stringify(page, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
      ).not.toContain('plrt_');
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(listed).toEqual(made);
    expect((await refusalOf(viewer.createRunnerToken({ org, runner: 'a' }))).kind).toBe('denied');
  });

  test('are revoked once, by their organisation', async () => {
    const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
    const other = await runners().newOrganization();
    await register('a');
    const { token } = await admin.createRunnerToken({ org, runner: 'a', useLimit: 0 });
    const tokenUid = token?.uid ?? '';
    expect(await refusalOf(other.admin.revokeRunnerToken({ org: other.slug, tokenUid }))).toMatchObject({
      kind: 'missing',
      reason: 'RUNNER_TOKEN_NOT_FOUND',
    });
    const first = await admin.revokeRunnerToken({ org, tokenUid });
    expect(first.token?.revokeTime).toBeDefined();
    expect(await admin.revokeRunnerToken({ org, tokenUid })).toEqual(first);
    const records = await recordsOf(orgUid);
    expect(records.filter(({ action }) => action === 'runner_token.revoke')).toMatchObject([
      { resource_uid: tokenUid, resource_slug: 'a' },
    ]);
  });

  test('end at a thousand that can be used', async () => {
    const { database } = runners();
    const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
    const uid = await register('a');
    await sql`insert into runner.enrolment_token (uid, runner_uid, organization_uid, hash, use_limit, expire_time, created_by)
      select ${uid} || i, ${uid}, ${orgUid}, sha256((${uid} || i)::bytea), 1, now() + interval '1 hour', ''
      from generate_series(1, 999) i`.execute(database.query);
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, () => admin.createRunnerToken({ org, runner: 'a' })),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refusalOf(admin.createRunnerToken({ org, runner: 'a' }))).toMatchObject({
      kind: 'quota',
      reason: 'RUNNER_TOKEN_LIMIT',
    });
    await admin.revokeRunnerToken({ org, tokenUid: `${uid}1` });
    await admin.createRunnerToken({ org, runner: 'a' });
  });
});
