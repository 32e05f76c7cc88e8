import { Role, SubjectKind } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';

describe.each(engines)('service accounts on %s', (kind) => {
  const fixture = useFixture(kind);

  test('are created with a role, listed as such and as members', async () => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    await root.createEnvironment({ org, slug: 'staging' });
    const { serviceAccount } = await root.createServiceAccount({
      org,
      slug: 'ci',
      role: Role.DEPLOYER,
      environments: ['staging'],
    });
    expect(serviceAccount).toMatchObject({ slug: 'ci', org, role: Role.DEPLOYER, environments: ['staging'] });
    expect((await root.listServiceAccounts({ org })).serviceAccounts).toEqual([serviceAccount]);
    const { members } = await root.listMembers({ org });
    expect(members.map(({ name, kind }) => [name, kind])).toEqual([
      ['ci', SubjectKind.SERVICE_ACCOUNT],
      ['instance-owner', SubjectKind.USER],
    ]);
  });

  test('a slug is taken once, by however many at once, and free again after the deletion', async () => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const create = () => root.createServiceAccount({ org, slug: 'ci', role: Role.VIEWER });
    const results = await Promise.allSettled(Array.from({ length: 5 }, create));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refusalOf(create())).toEqual({ kind: 'duplicate', reason: 'SERVICE_ACCOUNT_EXISTS' });
    const before = (await root.listServiceAccounts({ org })).serviceAccounts[0]?.uid;
    await root.deleteServiceAccount({ org, slug: 'ci' });
    expect((await create()).serviceAccount?.uid).not.toBe(before);
  });

  test('a deleted one is out everywhere, with its keys', async () => {
    const { root, clientWith, guard, identity, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const { key } = await root.createApiKey({ org, name: 'ci', role: Role.ADMIN });
    const token = clientWith((await identity.port.exchange(key, org)).token);
    await token.listMembers({ org });
    await root.deleteServiceAccount({ org, slug: 'ci' });
    await guard.revocations.refresh();
    expect(await refusalOf(token.listMembers({ org }))).toMatchObject({ reason: 'TOKEN_REVOKED' });
    expect(await refusalOf(clientWith(key).listMembers({ org }))).toMatchObject({
      reason: 'API_KEY_INVALID',
    });
    expect((await root.listApiKeys({ org })).apiKeys.map(({ name }) => name)).not.toContain('ci');
    expect(await refusalOf(root.deleteServiceAccount({ org, slug: 'ci' }))).toEqual({
      kind: 'missing',
      reason: 'SERVICE_ACCOUNT_NOT_FOUND',
    });
  });

  test('an admin makes no owners of them and deletes none that are', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const { client } = await newUser(uid, 'admin');
    const refused = { kind: 'denied', reason: 'ROLE_NOT_INCLUDED' };
    expect(await refusalOf(client.createServiceAccount({ org, slug: 'a', role: Role.OWNER }))).toEqual(
      refused,
    );
    expect(await refusalOf(client.createApiKey({ org, name: 'a', role: Role.OWNER }))).toEqual(refused);
    await root.createServiceAccount({ org, slug: 'root', role: Role.OWNER });
    expect(await refusalOf(client.deleteServiceAccount({ org, slug: 'root' }))).toEqual(refused);
  });

  test('removing one as a member names the right way', async () => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const { serviceAccount } = await root.createServiceAccount({ org, slug: 'ci', role: Role.VIEWER });
    expect(await refusalOf(root.removeMember({ org, subjectUid: serviceAccount?.uid ?? '' }))).toEqual({
      kind: 'state',
      reason: 'MEMBER_IS_SERVICE_ACCOUNT',
    });
  });

  test('a token from before the change is not enough', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const admin = await newUser(uid, 'admin');
    await admin.client.listMembers({ org });
    await root.setMember({ org, subjectUid: admin.uid, role: Role.VIEWER });
    const before = await refusalOf(
      admin.client.createServiceAccount({ org, slug: 'late', role: Role.ADMIN }),
    );
    expect(before).toEqual({ kind: 'denied', reason: 'PERMISSION_DENIED' });
    expect((await root.listServiceAccounts({ org })).serviceAccounts).toEqual([]);
  });
});
