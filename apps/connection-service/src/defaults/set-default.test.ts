import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import {
  authorizationOf,
  awsConnection,
  defaultOf,
  refusalOf,
  useTestService,
} from '../testing/use-test-service.ts';

describe.each(engines)('defaults on %s', (kind) => {
  const service = useTestService(kind);

  async function organizationWithTwo() {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    for (const name of ['a', 'b']) await admin.applyConnection({ org, connection: awsConnection(name) });
    return organization;
  }

  test('are set, read, changed and removed', async () => {
    const { admin, slug: org } = await organizationWithTwo();
    const created = await admin.setDefaultProviderConnection({ org, default: defaultOf('a', 'production') });
    expect(created.outcome).toBe(ApplyOutcome.CREATED);
    expect(created.default?.metadata).toMatchObject({ name: 'production.aws', revision: 1 });
    const same = await admin.setDefaultProviderConnection({ org, default: defaultOf('a', 'production') });
    expect(same.outcome).toBe(ApplyOutcome.UNCHANGED);
    const changed = await admin.setDefaultProviderConnection({ org, default: defaultOf('b', 'production') });
    expect(changed.outcome).toBe(ApplyOutcome.UPDATED);

    const key = { org, provider: 'aws', environment: 'production' };
    const { default: read } = await admin.getDefaultProviderConnection(key);
    expect(read).toMatchObject({ metadata: { revision: 2 }, spec: { connection: 'b' } });
    if (!read) throw new Error('no default');
    expect((await admin.setDefaultProviderConnection({ org, default: read })).outcome).toBe(
      ApplyOutcome.UNCHANGED,
    );
    await admin.deleteDefaultProviderConnection(key);
    for (const call of [admin.getDefaultProviderConnection, admin.deleteDefaultProviderConnection]) {
      expect((await refusalOf(call(key))).reason).toBe('DEFAULT_NOT_FOUND');
    }
  });

  test('are listed in pages, the organisation first', async () => {
    const organization = await organizationWithTwo();
    const { admin, slug: org } = organization;
    organization.addEnvironment('alpha');
    for (const environment of ['production', '', 'alpha']) {
      await admin.setDefaultProviderConnection({ org, default: defaultOf('a', environment) });
    }
    const names: (string | undefined)[] = [];
    let pageToken = '';
    do {
      const page = await admin.listDefaultProviderConnections({ org, pageSize: 2, pageToken });
      names.push(...page.defaults.map(({ metadata }) => metadata?.name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(names).toEqual(['aws', 'alpha.aws', 'production.aws']);
  });

  test('need an environment and a connection that exist', async () => {
    const { admin, slug: org } = await organizationWithTwo();
    const set = (manifest: ReturnType<typeof defaultOf>) =>
      refusalOf(admin.setDefaultProviderConnection({ org, default: manifest }));
    expect((await set(defaultOf('a', 'nowhere'))).reason).toBe('ENVIRONMENT_NOT_FOUND');
    expect((await set(defaultOf('nope'))).reason).toBe('CONNECTION_NOT_FOUND');
    expect((await set(defaultOf('a', '', 'gcp'))).reason).toBe('CONNECTION_PROVIDER_MISMATCH');
  });

  test('of an environment in which the connection may not be used are refused', async () => {
    const { admin, slug: org } = await organizationWithTwo();
    await admin.setProviderConnectionAuthorization({
      org,
      authorization: authorizationOf('a', AuthorizationScope.ENVIRONMENT, []),
    });
    const error = await refusalOf(
      admin.setDefaultProviderConnection({ org, default: defaultOf('a', 'production') }),
    );
    expect(error.reason).toBe('CONNECTION_NOT_AUTHORIZED');
    const answer = await admin.setDefaultProviderConnection({ org, default: defaultOf('a') });
    expect(answer.outcome).toBe(ApplyOutcome.CREATED);
  });

  test('have the name that their spec makes', async () => {
    const { admin, slug: org } = await organizationWithTwo();
    const named = (metadata: object) =>
      admin.setDefaultProviderConnection({ org, default: { ...defaultOf('a', 'production'), metadata } });
    expect((await refusalOf(named({ name: 'aws' }))).reason).toBe('NAME_MISMATCH');
    expect((await refusalOf(named({ labels: { a: 'b' } }))).reason).toBe('METADATA_NOT_KEPT');
    expect((await refusalOf(named({ org: 'other' }))).reason).toBe('ORGANIZATION_MISMATCH');
    expect((await named({ name: 'production.aws' })).outcome).toBe(ApplyOutcome.CREATED);
  });

  test('are guarded by etags, and validate_only changes nothing', async () => {
    const { admin, slug: org } = await organizationWithTwo();
    const dry = await admin.setDefaultProviderConnection({
      org,
      default: defaultOf('a'),
      validateOnly: true,
    });
    expect(dry.outcome).toBe(ApplyOutcome.CREATED);
    expect((await admin.listDefaultProviderConnections({ org })).defaults).toEqual([]);
    const { default: stored } = await admin.setDefaultProviderConnection({ org, default: defaultOf('a') });
    const etag = stored?.metadata?.etag ?? '';
    await admin.setDefaultProviderConnection({ org, default: defaultOf('b'), etag });
    const error = await refusalOf(admin.setDefaultProviderConnection({ org, default: defaultOf('a'), etag }));
    expect(error.reason).toBe('STALE_ETAG');
  });

  test('set by many at once end as one of them', async () => {
    const { admin, slug: org } = await organizationWithTwo();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        admin.setDefaultProviderConnection({ org, default: defaultOf(index % 2 ? 'a' : 'b') }),
      ),
    );
    expect(answers.filter(({ outcome }) => outcome === ApplyOutcome.CREATED)).toHaveLength(1);
    expect((await admin.listDefaultProviderConnections({ org })).defaults).toHaveLength(1);
  });

  test('a developer may not set one', async () => {
    const organization = await organizationWithTwo();
    const developer = await organization.as('developer');
    const error = await refusalOf(
      developer.setDefaultProviderConnection({ org: organization.slug, default: defaultOf('a') }),
    );
    expect(error.kind).toBe('denied');
  });
});
