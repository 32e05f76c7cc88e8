import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import {
  authorizationOf,
  awsConnection,
  awsOf,
  defaultOf,
  refusalOf,
  useTestService,
} from '../testing/use-test-service.ts';

describe.each(engines)('deleting connections on %s', (kind) => {
  const service = useTestService(kind);

  test('releases its references and keeps its history', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const { connection } = await admin.applyConnection({ org, connection: awsConnection('a') });
    const uid = awsOf(connection).metadata?.uid ?? '';
    expect(service().config.owners.get(uid)?.references.size).toBe(2);
    await admin.deleteConnection({ org, connection: 'a' });
    expect(service().config.owners.get(uid)).toMatchObject({ confirmed: true, references: new Set() });
    expect((await refusalOf(admin.getConnection({ org, connection: 'a' }))).reason).toBe(
      'CONNECTION_NOT_FOUND',
    );
    const { revisions } = await admin.listConnectionRevisions({ org, connection: 'a' });
    expect(revisions.map(({ action }) => action)).toEqual(['deleted', 'created']);
  });

  test('releases its runner', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const runnerUid = service().runners.addRunner(org, 'r');
    const { connection } = await admin.applyConnection({
      org,
      connection: awsConnection('a', { runner: 'r' }),
    });
    const uid = awsOf(connection).metadata?.uid ?? '';
    expect(service().runners.owners.get(uid)?.references).toEqual(new Set([runnerUid]));
    await admin.deleteConnection({ org, connection: 'a' });
    expect(service().runners.owners.get(uid)).toMatchObject({ confirmed: true, references: new Set() });
  });

  test('is refused while something refers to it, naming each, until all are gone', async () => {
    const { admin, slug: org } = await service().newOrganization();
    await admin.applyConnection({ org, connection: awsConnection('a') });
    await admin.setDefaultProviderConnection({ org, default: defaultOf('a') });
    await admin.setDefaultProviderConnection({ org, default: defaultOf('a', 'production') });
    await admin.setProviderConnectionAuthorization({
      org,
      authorization: authorizationOf('a', AuthorizationScope.ORGANIZATION),
    });
    const error = await refusalOf(admin.deleteConnection({ org, connection: 'a' }));
    expect(error).toMatchObject({ kind: 'state', reason: 'CONNECTION_IN_USE' });
    for (const user of [
      'default of the organisation',
      'default of environment production',
      'an authorisation',
    ]) {
      expect(error.message).toContain(user);
    }
    expect(error.hint).toContain('planton connection default unset --provider aws --env production');

    await admin.deleteDefaultProviderConnection({ org, provider: 'aws' });
    await admin.deleteDefaultProviderConnection({ org, provider: 'aws', environment: 'production' });
    const { warnings } = await admin.deleteProviderConnectionAuthorization({
      org,
      provider: 'aws',
      connection: 'a',
    });
    expect(warnings[0]).toContain('every environment');
    await admin.deleteConnection({ org, connection: 'a' });
  });

  test('a default of an environment that is gone does not block, and is not shown', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    organization.addEnvironment('staging');
    await admin.applyConnection({ org, connection: awsConnection('a') });
    await admin.setDefaultProviderConnection({ org, default: defaultOf('a', 'staging') });
    await organization.removeEnvironment('staging');
    const { connection } = await admin.getConnection({ org, connection: 'a' });
    expect(awsOf(connection).status?.defaultFor).toEqual([]);
    expect((await admin.listDefaultProviderConnections({ org })).defaults).toEqual([]);
    await admin.deleteConnection({ org, connection: 'a' });
  });

  test('what is made again under the slug inherits nothing', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    const first = await admin.applyConnection({ org, connection: awsConnection('a') });
    await admin.deleteConnection({ org, connection: 'a' });
    const second = await admin.applyConnection({ org, connection: awsConnection('a') });
    expect(second.outcome).toBe(ApplyOutcome.CREATED);
    const before = awsOf(first.connection).metadata;
    const after = awsOf(second.connection).metadata;
    expect(after?.uid).not.toBe(before?.uid);
    expect(after?.etag).not.toBe(before?.etag);
    expect(after?.revision).toBe(1);
    const { revisions } = await admin.listConnectionRevisions({ org, connection: 'a' });
    expect(revisions).toHaveLength(1);
    expect((await refusalOf(admin.resolveConnection({ org, provider: 'aws' }))).reason).toBe(
      'DEFAULT_NOT_SET',
    );
  });

  test('a stale etag is refused', async () => {
    const { admin, slug: org } = await service().newOrganization();
    await admin.applyConnection({ org, connection: awsConnection('a') });
    const error = await refusalOf(admin.deleteConnection({ org, connection: 'a', etag: 'x.1' }));
    expect(error.reason).toBe('STALE_ETAG');
  });

  test('races with set-default: one of them is refused, and no default ever dangles', async () => {
    const { admin, slug: org } = await service().newOrganization();
    for (let round = 0; round < 12; round++) {
      await admin.applyConnection({ org, connection: awsConnection('a') });
      const outcomes = await Promise.allSettled([
        admin.setDefaultProviderConnection({ org, default: defaultOf('a') }),
        admin.deleteConnection({ org, connection: 'a' }),
      ]);
      const [set, deleted] = outcomes.map(({ status }) => status === 'fulfilled');
      expect(set).not.toBe(deleted);
      if (set) {
        expect((await admin.resolveConnection({ org, provider: 'aws' })).connection).toBe('a');
        await admin.deleteDefaultProviderConnection({ org, provider: 'aws' });
      }
    }
  });
});
