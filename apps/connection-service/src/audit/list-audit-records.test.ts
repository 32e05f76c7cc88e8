import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { awsConnection, defaultOf, refusalOf, useTestService } from '../testing/use-test-service.ts';

describe.each(engines)('audit records on %s', (kind) => {
  const service = useTestService(kind);

  test('are kept of every write, newest first, in pages and filtered', async () => {
    const organization = await service().newOrganization();
    const { slug: org } = organization;
    const admin = await organization.as('admin', { uid: 'ada-uid', name: 'ada', apiKeyUid: 'key-uid' });
    await admin.applyConnection({ org, connection: awsConnection('a') });
    await admin.applyConnection({ org, connection: awsConnection('a') });
    await admin.applyConnection({ org, connection: awsConnection({ name: 'a', labels: { x: 'y' } }) });
    await admin.setDefaultProviderConnection({ org, default: defaultOf('a') });
    await admin.deleteDefaultProviderConnection({ org, provider: 'aws' });
    await admin.deleteConnection({ org, connection: 'a' });

    const actions: string[] = [];
    let pageToken = '';
    do {
      const page = await admin.listAuditRecords({ org, pageSize: 2, pageToken });
      actions.push(...page.records.map(({ action }) => action));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(actions).toEqual([
      'connection.delete',
      'default.delete',
      'default.set',
      'connection.update',
      'connection.create',
    ]);
    const { records } = await admin.listAuditRecords({ org, action: 'connection.create' });
    expect(records).toMatchObject([
      { actorUid: 'ada-uid', actorName: 'ada', apiKeyUid: 'key-uid', resourceSlug: 'a', version: 1 },
    ]);
    expect(records[0]?.requestId).not.toBe('');
    const future = timestampFromDate(new Date(Date.now() + 3_600_000));
    expect((await admin.listAuditRecords({ org, since: future })).records).toEqual([]);
    expect((await admin.listAuditRecords({ org, until: future })).records).toHaveLength(5);
    expect((await admin.listAuditRecords({ org, actorUid: 'nobody' })).records).toEqual([]);
    expect((await admin.listAuditRecords({ org, resourceSlug: 'aws' })).records).toHaveLength(2);
  });

  test('are of one organisation, for those who may read them', async () => {
    const one = await service().newOrganization();
    const two = await service().newOrganization();
    await one.admin.applyConnection({ org: one.slug, connection: awsConnection('a') });
    expect((await two.admin.listAuditRecords({ org: two.slug })).records).toEqual([]);
    const developer = await one.as('developer');
    expect((await refusalOf(developer.listAuditRecords({ org: one.slug }))).kind).toBe('denied');
  });
});
