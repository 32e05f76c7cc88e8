import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import {
  authorizationOf,
  awsConnection,
  awsOf,
  refusalOf,
  useTestService,
} from '../testing/use-test-service.ts';

const { ENVIRONMENT, ORGANIZATION } = AuthorizationScope;

describe.each(engines)('authorisations on %s', (kind) => {
  const service = useTestService(kind);

  async function organizationWithOne() {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    organization.addEnvironment('staging');
    await admin.applyConnection({ org, connection: awsConnection('a') });
    return organization;
  }

  test('are set, replaced as a whole, read and removed', async () => {
    const { admin, slug: org } = await organizationWithOne();
    const key = { org, provider: 'aws', connection: 'a' };
    const set = (scope: AuthorizationScope, environments: string[] = []) =>
      admin.setProviderConnectionAuthorization({
        org,
        authorization: authorizationOf('a', scope, environments),
      });
    const authorizedIn = async () =>
      awsOf((await admin.getConnection({ org, connection: 'a' })).connection).status?.authorizedIn;

    expect(await authorizedIn()).toEqual(['everywhere']);
    const created = await set(ENVIRONMENT, ['staging', 'production']);
    expect(created.outcome).toBe(ApplyOutcome.CREATED);
    expect(created.authorization).toMatchObject({
      metadata: { name: 'aws.a', revision: 1 },
      spec: { environments: ['production', 'staging'] },
    });
    expect(await authorizedIn()).toEqual(['environment/production', 'environment/staging']);
    expect((await set(ENVIRONMENT, ['production', 'staging'])).outcome).toBe(ApplyOutcome.UNCHANGED);
    expect((await set(ENVIRONMENT, [])).outcome).toBe(ApplyOutcome.UPDATED);
    expect(await authorizedIn()).toEqual([]);
    expect((await set(ORGANIZATION)).authorization?.metadata?.revision).toBe(3);
    expect(await authorizedIn()).toEqual(['organization']);

    const { authorization } = await admin.getProviderConnectionAuthorization(key);
    if (!authorization) throw new Error('no authorisation');
    const again = await admin.setProviderConnectionAuthorization({ org, authorization });
    expect(again.outcome).toBe(ApplyOutcome.UNCHANGED);
    expect((await admin.deleteProviderConnectionAuthorization(key)).warnings).toHaveLength(1);
    expect(await authorizedIn()).toEqual(['everywhere']);
    for (const call of [
      admin.getProviderConnectionAuthorization,
      admin.deleteProviderConnectionAuthorization,
    ]) {
      expect((await refusalOf(call(key))).reason).toBe('AUTHORIZATION_NOT_FOUND');
    }
  });

  test('name every environment that does not exist in one error', async () => {
    const { admin, slug: org } = await organizationWithOne();
    const error = await refusalOf(
      admin.setProviderConnectionAuthorization({
        org,
        authorization: authorizationOf('a', ENVIRONMENT, ['no', 'production', 'nada']),
      }),
    );
    expect(error).toMatchObject({ kind: 'missing', reason: 'ENVIRONMENT_NOT_FOUND' });
    expect(error.violations.map(({ field }) => field)).toEqual([
      'spec.environments[0]',
      'spec.environments[2]',
    ]);
    expect(error.message).toContain('"no", "nada"');
  });

  test('do not list environments that are gone', async () => {
    const organization = await organizationWithOne();
    const { admin, slug: org } = organization;
    const authorization = authorizationOf('a', ENVIRONMENT, ['production', 'staging']);
    await admin.setProviderConnectionAuthorization({ org, authorization });
    await organization.removeEnvironment('staging');
    const { authorizations } = await admin.listProviderConnectionAuthorizations({ org });
    expect(authorizations.map(({ spec }) => spec?.environments)).toEqual([['production']]);
    const same = await admin.setProviderConnectionAuthorization({
      org,
      authorization: authorizationOf('a', ENVIRONMENT, ['production']),
    });
    expect(same.outcome).toBe(ApplyOutcome.UNCHANGED);
  });

  test('are listed in pages, by connection', async () => {
    const { admin, slug: org } = await organizationWithOne();
    for (const name of ['c', 'b']) await admin.applyConnection({ org, connection: awsConnection(name) });
    for (const name of ['b', 'a', 'c']) {
      await admin.setProviderConnectionAuthorization({
        org,
        authorization: authorizationOf(name, ORGANIZATION),
      });
    }
    const first = await admin.listProviderConnectionAuthorizations({ org, pageSize: 2 });
    const second = await admin.listProviderConnectionAuthorizations({
      org,
      pageSize: 2,
      pageToken: first.nextPageToken,
    });
    const names = [...first.authorizations, ...second.authorizations].map(({ metadata }) => metadata?.name);
    expect(names).toEqual(['aws.a', 'aws.b', 'aws.c']);
    expect(second.nextPageToken).toBe('');
  });

  test('set by many at once end as one of them', async () => {
    const { admin, slug: org } = await organizationWithOne();
    const lists = [['production'], ['staging'], ['production', 'staging'], []];
    await Promise.all(
      lists.map((list) =>
        admin.setProviderConnectionAuthorization({
          org,
          authorization: authorizationOf('a', ENVIRONMENT, list),
        }),
      ),
    );
    const { authorization } = await admin.getProviderConnectionAuthorization({
      org,
      provider: 'aws',
      connection: 'a',
    });
    expect(lists).toContainEqual(authorization?.spec?.environments);
  });

  test('are refused under another name, of another provider, with a stale etag', async () => {
    const { admin, slug: org } = await organizationWithOne();
    const base = authorizationOf('a', ORGANIZATION);
    const set = (authorization: object, etag = '') =>
      refusalOf(
        admin.setProviderConnectionAuthorization({ org, authorization: { ...base, ...authorization }, etag }),
      );
    expect((await set({ metadata: { name: 'aws.b' } })).reason).toBe('NAME_MISMATCH');
    expect((await set({ spec: { ...base.spec, provider: 'gcp' } })).reason).toBe(
      'CONNECTION_PROVIDER_MISMATCH',
    );
    expect((await set({}, 'x.1')).reason).toBe('STALE_ETAG');
  });

  test('cannot be written by a role that is limited to environments', async () => {
    const organization = await organizationWithOne();
    const limited = await organization.as('admin', { environments: [organization.production] });
    const error = await refusalOf(
      limited.setProviderConnectionAuthorization({
        org: organization.slug,
        authorization: authorizationOf('a', ENVIRONMENT, ['production']),
      }),
    );
    expect(error.reason).toBe('ENVIRONMENT_NOT_COVERED');
  });
});
