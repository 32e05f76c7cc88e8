import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';

describe.each(engines)('members on %s', (kind) => {
  const fixture = useFixture(kind);

  test('a new role counts at once, and the old token no more', async () => {
    const { root, clientWith, guard, identity, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'admin');
    const token = clientWith((await identity.port.exchange(user.key, org)).token);
    await token.createEnvironment({ org, slug: 'staging' });
    await user.client.listMembers({ org });

    const { member } = await root.setMember({ org, subjectUid: user.uid, role: Role.VIEWER });
    expect(member).toMatchObject({ subjectUid: user.uid, role: Role.VIEWER, limited: false });
    await guard.revocations.refresh();
    expect(await refusalOf(token.listMembers({ org }))).toMatchObject({ reason: 'TOKEN_REVOKED' });
    expect(await refusalOf(user.client.createEnvironment({ org, slug: 'other' }))).toEqual({
      kind: 'denied',
      reason: 'PERMISSION_DENIED',
    });
    expect((await user.client.whoAmI({})).organizations).toMatchObject([{ slug: org, role: Role.VIEWER }]);
  });

  test('environments limit a role and are lifted again', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    for (const slug of ['staging', 'production']) await root.createEnvironment({ org, slug });
    const { uid: subjectUid } = await newUser(uid, 'developer');
    const set = (environments: string[]) =>
      root.setMember({ org, subjectUid, role: Role.DEVELOPER, environments });
    expect((await set(['staging', 'production'])).member).toMatchObject({
      limited: true,
      environments: ['production', 'staging'],
    });
    expect((await set([])).member).toMatchObject({ limited: false, environments: [] });
    expect(await refusalOf(set(['nowhere']))).toMatchObject({ reason: 'ENVIRONMENT_NOT_FOUND' });
  });

  test('the last owner is neither demoted nor removed', async () => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const { subjectUid } = await root.whoAmI({});
    const last = { kind: 'state', reason: 'LAST_OWNER' };
    expect(await refusalOf(root.setMember({ org, subjectUid, role: Role.ADMIN }))).toEqual(last);
    expect(await refusalOf(root.removeMember({ org, subjectUid }))).toEqual(last);
    await root.createServiceAccount({ org, slug: 'robot', role: Role.OWNER });
    expect(await refusalOf(root.removeMember({ org, subjectUid }))).toEqual(last);
  });

  test('owners who remove each other at once leave one', async () => {
    const { root, newOrganization, newUser } = fixture();
    for (let round = 0; round < 5; round++) {
      const { uid, slug: org } = await newOrganization();
      const other = await newUser(uid, 'owner');
      const { subjectUid } = await root.whoAmI({});
      const results = await Promise.allSettled([
        root.removeMember({ org, subjectUid: other.uid }),
        other.client.removeMember({ org, subjectUid }),
      ]);
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const rows = await fixture()
        .database.query.selectFrom('member')
        .select('role')
        .where('organization_uid', '=', uid)
        .execute();
      expect(rows).toEqual([{ role: 'owner' }]);
    }
  });

  test('an admin neither makes owners nor touches them', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const [admin, viewer] = [await newUser(uid, 'admin'), await newUser(uid, 'viewer')];
    const { subjectUid: ownerUid } = await root.whoAmI({});
    const refused = { kind: 'denied', reason: 'ROLE_NOT_INCLUDED' };
    const { client } = admin;
    expect(await refusalOf(client.setMember({ org, subjectUid: viewer.uid, role: Role.OWNER }))).toEqual(
      refused,
    );
    expect(await refusalOf(client.setMember({ org, subjectUid: admin.uid, role: Role.OWNER }))).toEqual(
      refused,
    );
    expect(await refusalOf(client.setMember({ org, subjectUid: ownerUid, role: Role.VIEWER }))).toEqual(
      refused,
    );
    expect(await refusalOf(client.removeMember({ org, subjectUid: ownerUid }))).toEqual(refused);
    await client.setMember({ org, subjectUid: viewer.uid, role: Role.DEVELOPER });
    await client.removeMember({ org, subjectUid: viewer.uid });
  });

  test('who is limited to environments gives nothing beyond them', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const staging = await root.createEnvironment({ org, slug: 'staging' });
    await root.createEnvironment({ org, slug: 'production' });
    const environments = [staging.environment?.uid ?? ''];
    const [limited, fellow] = [
      await newUser(uid, 'admin', environments),
      await newUser(uid, 'viewer', environments),
    ];
    const everywhere = await newUser(uid, 'viewer');
    const set = (subjectUid: string, slugs: string[]) =>
      limited.client.setMember({ org, subjectUid, role: Role.DEVELOPER, environments: slugs });
    const refused = { kind: 'denied', reason: 'ENVIRONMENT_NOT_COVERED' };
    expect(await refusalOf(set(fellow.uid, []))).toEqual(refused);
    const absent = { kind: 'missing', reason: 'ENVIRONMENT_NOT_FOUND' };
    expect(await refusalOf(set(fellow.uid, ['nowhere']))).toEqual(absent);
    expect(await refusalOf(set(fellow.uid, ['production']))).toEqual(absent);
    expect(await refusalOf(set(everywhere.uid, ['staging']))).toEqual(refused);
    expect(await refusalOf(set(limited.uid, []))).toEqual(refused);
    expect((await set(fellow.uid, ['staging'])).member).toMatchObject({ role: Role.DEVELOPER });
  });

  test('an owner cannot be limited', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    await root.createEnvironment({ org, slug: 'staging' });
    const { uid: subjectUid } = await newUser(uid, 'viewer');
    expect(
      await refusalOf(root.setMember({ org, subjectUid, role: Role.OWNER, environments: ['staging'] })),
    ).toEqual({ kind: 'invalid', reason: 'OWNER_LIMITED' });
  });

  test('a removed member is out, and a member of another organisation is nobody here', async () => {
    const { root, guard, newOrganization, newUser } = fixture();
    const [here, there] = [await newOrganization(), await newOrganization()];
    const user = await newUser(here.uid, 'developer');
    const missing = { kind: 'missing', reason: 'MEMBER_NOT_FOUND' };
    expect(await refusalOf(root.removeMember({ org: there.slug, subjectUid: user.uid }))).toEqual(missing);
    expect(
      await refusalOf(root.setMember({ org: there.slug, subjectUid: user.uid, role: Role.VIEWER })),
    ).toEqual(missing);

    await user.client.listMembers({ org: here.slug });
    await root.removeMember({ org: here.slug, subjectUid: user.uid });
    await guard.revocations.refresh();
    expect(await refusalOf(user.client.listMembers({ org: here.slug }))).toMatchObject({
      reason: 'ORGANIZATION_NOT_FOUND',
    });
    expect((await user.client.whoAmI({})).organizations).toEqual([]);
  });

  test('changes are on record with who made them', async () => {
    const { root, database, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'viewer');
    await root.setMember({ org, subjectUid: user.uid, role: Role.ADMIN });
    await root.removeMember({ org, subjectUid: user.uid });
    const records = await database.query
      .selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', '=', uid)
      .orderBy('record_time')
      .execute();
    expect(records).toMatchObject([
      { action: 'organization.create', actor_name: 'instance-owner' },
      { action: 'member.set', resource_uid: user.uid, details: { role: 'admin', before: 'viewer' } },
      { action: 'member.remove', resource_uid: user.uid, details: { before: 'admin' } },
    ]);
    expect(records.every((record) => record.request_id !== '' && record.api_key_uid !== '')).toBe(true);
  });
});
