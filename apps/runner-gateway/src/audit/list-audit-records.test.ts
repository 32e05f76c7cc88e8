import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf, useTestRunners } from '../runners/testing/use-test-runners.ts';

describe.each(engines)('audit records on %s', (kind) => {
  const runners = useTestRunners(kind);

  test('are kept of every change, newest first, in pages and filtered', async () => {
    const organization = await runners().newOrganization();
    const { slug: org } = organization;
    const admin = await organization.as('admin', { uid: 'ada-uid', name: 'ada', apiKeyUid: 'key-uid' });
    await admin.registerRunner({ org, name: 'a' });
    await admin.registerRunner({ org, name: 'a' });
    const { token } = await admin.createRunnerToken({ org, runner: 'a' });
    await admin.revokeRunnerToken({ org, tokenUid: token?.uid ?? '' });
    await admin.revokeRunner({ org, runner: 'a' });
    await admin.deleteRunner({ org, runner: 'a' });

    const actions: string[] = [];
    let pageToken = '';
    do {
      const page = await admin.listAuditRecords({ org, pageSize: 2, pageToken });
      actions.push(...page.records.map(({ action }) => action));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(actions).toEqual([
      'runner.delete',
      'runner.revoke',
      'runner_token.revoke',
      'runner_token.create',
      'runner.register',
    ]);
    const { records } = await admin.listAuditRecords({ org, action: 'runner.register' });
    expect(records).toMatchObject([
      {
        service: 'runner-gateway',
        actorUid: 'ada-uid',
        actorName: 'ada',
        apiKeyUid: 'key-uid',
        resourceSlug: 'a',
        version: 1,
        outcome: AuditOutcome.SUCCEEDED,
      },
    ]);
    expect(records[0]?.requestId).not.toBe('');
    const future = timestampFromDate(new Date(Date.now() + 3_600_000));
    expect((await admin.listAuditRecords({ org, since: future })).records).toEqual([]);
    expect((await admin.listAuditRecords({ org, until: future })).records).toHaveLength(5);
    expect((await admin.listAuditRecords({ org, actorUid: 'nobody' })).records).toEqual([]);
    expect((await admin.listAuditRecords({ org, resourceSlug: 'b' })).records).toEqual([]);
    const other = encodeURIComponent('not a token');
    expect((await refusalOf(admin.listAuditRecords({ org, pageToken: other }))).reason).toBe(
      'PAGE_TOKEN_INVALID',
    );
  });

  test('are of one organisation, for those who may read them', async () => {
    const one = await runners().newOrganization();
    const two = await runners().newOrganization();
    await one.register('a');
    expect((await two.admin.listAuditRecords({ org: two.slug })).records).toEqual([]);
    const developer = await one.as('developer');
    expect((await refusalOf(developer.listAuditRecords({ org: one.slug }))).kind).toBe('denied');
  });

  test('are rolled back with what they tell of', async () => {
    const { database } = runners();
    const { slug: org, uid, admin, register } = await runners().newOrganization();
    await register('a b');
    await refusalOf(admin.registerRunner({ org, name: 'A-B' }));
    const rows = await database.query
      .selectFrom('audit_record')
      .select('action')
      .where('organization_uid', '=', uid)
      .execute();
    expect(rows).toEqual([{ action: 'runner.register' }]);
  });
});
