import { jsonb } from '@planton/database';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { awsConnection, awsOf, defaultOf, refusalOf, useTestService } from '../testing/use-test-service.ts';

describe.each(engines)('listing connections on %s', (kind) => {
  const service = useTestService(kind);

  test('pages by slug, with what each is the default for', async () => {
    const { admin, slug: org } = await service().newOrganization();
    for (const name of ['c', 'a', 'e', 'b', 'd']) {
      await admin.applyConnection({ org, connection: awsConnection(name) });
    }
    await admin.setDefaultProviderConnection({ org, default: defaultOf('b', 'production') });
    const slugs: string[] = [];
    let pageToken = '';
    do {
      const page = await admin.listConnections({ org, provider: 'aws', pageSize: 2, pageToken });
      slugs.push(...page.connections.map((each) => awsOf(each).metadata?.slug ?? ''));
      for (const each of page.connections) {
        const { metadata, status } = awsOf(each);
        expect(status?.defaultFor).toEqual(metadata?.slug === 'b' ? ['environment/production'] : []);
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(slugs).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('a token of another list is refused', async () => {
    const { admin, slug: org } = await service().newOrganization();
    for (const name of ['a', 'b']) await admin.applyConnection({ org, connection: awsConnection(name) });
    const { nextPageToken: pageToken } = await admin.listConnections({ org, pageSize: 1 });
    const error = await refusalOf(admin.listConnections({ org, provider: 'aws', pageSize: 1, pageToken }));
    expect(error.reason).toBe('PAGE_TOKEN_INVALID');
  });

  test('rows that this release cannot read do not fail the list', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org, uid } = organization;
    for (const name of ['a', 'b', 'c']) await admin.applyConnection({ org, connection: awsConnection(name) });
    const update = (slug: string) =>
      service()
        .database.query.updateTable('connection')
        .where('organization_uid', '=', uid)
        .where('slug', '=', slug);
    await update('a')
      .set({ spec: jsonb<unknown>({ authMode: 42.5 }) })
      .execute();
    await update('b').set({ provider: 'from-the-future' }).execute();
    const { connections } = await admin.listConnections({ org });
    expect(connections.map((each) => awsOf(each).metadata?.slug)).toEqual(['a', 'c']);
    expect(connections.map((each) => awsOf(each).spec !== undefined)).toEqual([false, true]);
    const unreadable = await refusalOf(admin.issueCredentials({ org, connection: 'a' }));
    expect(unreadable).toMatchObject({ kind: 'state', reason: 'CONNECTION_UNREADABLE' });
    await admin.applyConnection({ org, connection: awsConnection('a') });
    expect((await admin.issueCredentials({ org, connection: 'a' })).connection).toBe('a');
  });

  test('names name what is meant, or are refused', async () => {
    const { admin, slug: org } = await service().newOrganization();
    await admin.applyConnection({ org, connection: awsConnection({ name: 'Twin', slug: 'one' }) });
    await admin.applyConnection({ org, connection: awsConnection({ name: 'Twin', slug: 'two' }) });
    await admin.applyConnection({ org, connection: awsConnection({ name: 'one', slug: 'three' }) });
    for (const call of [admin.getConnection, admin.resolveConnection]) {
      const error = await refusalOf(call({ org, connection: 'Twin' }));
      expect(error).toMatchObject({ kind: 'invalid', reason: 'AMBIGUOUS_NAME' });
      expect(error.metadata.slugs).toBe('one,two');
    }
    const { connection } = await admin.getConnection({ org, connection: 'one' });
    expect(awsOf(connection).metadata?.name).toBe('Twin');
    expect((await admin.resolveConnection({ org, connection: 'one' })).connection).toBe('one');
  });

  test('an organisation sees nothing of another', async () => {
    const one = await service().newOrganization();
    const two = await service().newOrganization();
    await one.admin.applyConnection({ org: one.slug, connection: awsConnection('a') });
    expect((await two.admin.listConnections({ org: two.slug })).connections).toEqual([]);
    expect((await refusalOf(two.admin.getConnection({ org: two.slug, connection: 'a' }))).kind).toBe(
      'missing',
    );
    const stranger = await refusalOf(two.admin.getConnection({ org: one.slug, connection: 'a' }));
    expect(stranger.reason).toBe('ORGANIZATION_NOT_FOUND');
  });

  test('revisions say who changed what, in pages', async () => {
    const { admin, slug: org } = await service().newOrganization();
    for (const team of ['x', 'y', 'z']) {
      await admin.applyConnection({ org, connection: awsConnection({ name: 'a', labels: { team } }) });
    }
    const first = await admin.listConnectionRevisions({ org, connection: 'a', pageSize: 2 });
    expect(first.revisions).toMatchObject([
      { revision: 3, action: 'updated', createdBy: 'ada' },
      { revision: 2, action: 'updated', createdBy: 'ada' },
    ]);
    expect(awsOf(first.revisions[1]?.connection).metadata?.labels).toEqual({ team: 'y' });
    const second = await admin.listConnectionRevisions({
      org,
      connection: 'a',
      pageSize: 2,
      pageToken: first.nextPageToken,
    });
    expect(second.revisions.map(({ action }) => action)).toEqual(['created']);
    expect(second.nextPageToken).toBe('');
  });
});
