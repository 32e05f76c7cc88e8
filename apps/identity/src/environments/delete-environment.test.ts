import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';

describe.each(engines)('environments on %s', (kind) => {
  const fixture = useFixture(kind);

  test('are created, listed by slug, looked up by services and deleted', async () => {
    const { root, newOrganization, serviceClient } = fixture();
    const { uid, slug: org } = await newOrganization();
    for (const slug of ['staging', 'production']) await root.createEnvironment({ org, slug });
    const { environments } = await root.listEnvironments({ org });
    expect(environments).toMatchObject([
      { slug: 'production', org },
      { slug: 'staging', org },
    ]);

    const service = await serviceClient('connection-service');
    expect((await service.lookUpEnvironments({ organizationUid: uid })).environments).toEqual(environments);
    await root.deleteEnvironment({ org, environment: 'staging' });
    const left = (await service.lookUpEnvironments({ organizationUid: uid })).environments;
    expect(left.map(({ slug }) => slug)).toEqual(['production']);
    expect(await refusalOf(root.deleteEnvironment({ org, environment: 'staging' }))).toEqual({
      kind: 'missing',
      reason: 'ENVIRONMENT_NOT_FOUND',
    });
  });

  test('a person cannot use the look-up of services', async () => {
    const { root, newOrganization } = fixture();
    const { uid } = await newOrganization();
    expect(await refusalOf(root.lookUpEnvironments({ organizationUid: uid }))).toEqual({
      kind: 'denied',
      reason: 'SERVICE_ONLY',
    });
  });

  test('of several who create the same one, one does', async () => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const results = await Promise.allSettled(
      Array.from({ length: 5 }, () => root.createEnvironment({ org, slug: 'production' })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refusalOf(root.createEnvironment({ org, slug: 'production' }))).toEqual({
      kind: 'duplicate',
      reason: 'ENVIRONMENT_EXISTS',
    });
  });

  test('one made again has another uid, and a role that was limited to the first does not cover it', async () => {
    const { root, clientWith, guard, newOrganization, identity } = fixture();
    const { slug: org } = await newOrganization();
    const first = await root.createEnvironment({ org, slug: 'production' });
    const { key } = await root.createApiKey({
      org,
      name: 'ci',
      role: Role.DEPLOYER,
      environments: ['production'],
    });
    const deployer = clientWith(key);
    expect((await deployer.listEnvironments({ org })).environments).toHaveLength(1);

    await root.deleteEnvironment({ org, environment: 'production' });
    expect((await identity.port.readRevocations()).has(first.environment?.uid ?? '')).toBe(true);
    const second = await root.createEnvironment({ org, slug: 'production' });
    expect(second.environment?.uid).not.toBe(first.environment?.uid);

    await guard.revocations.refresh();
    expect((await deployer.listEnvironments({ org })).environments).toEqual([]);
    const { serviceAccounts } = await root.listServiceAccounts({ org });
    expect(serviceAccounts).toMatchObject([{ slug: 'ci', limited: true, environments: [] }]);
  });

  test('who is limited to environments sees those, deletes no others and creates none', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const staging = await root.createEnvironment({ org, slug: 'staging' });
    await root.createEnvironment({ org, slug: 'production' });
    const { client } = await newUser(uid, 'admin', [staging.environment?.uid ?? '']);
    expect((await client.listEnvironments({ org })).environments).toMatchObject([{ slug: 'staging' }]);
    expect(await refusalOf(client.deleteEnvironment({ org, environment: 'production' }))).toEqual({
      kind: 'missing',
      reason: 'ENVIRONMENT_NOT_FOUND',
    });
    expect(await refusalOf(client.createEnvironment({ org, slug: 'other' }))).toEqual({
      kind: 'denied',
      reason: 'ENVIRONMENT_NOT_COVERED',
    });
  });

  test('another organisation has its own', async () => {
    const { root, newOrganization } = fixture();
    const [one, other] = [await newOrganization(), await newOrganization()];
    await root.createEnvironment({ org: one.slug, slug: 'production' });
    expect((await root.listEnvironments({ org: other.slug })).environments).toEqual([]);
    expect(
      await refusalOf(root.deleteEnvironment({ org: other.slug, environment: 'production' })),
    ).toMatchObject({ reason: 'ENVIRONMENT_NOT_FOUND' });
  });
});
