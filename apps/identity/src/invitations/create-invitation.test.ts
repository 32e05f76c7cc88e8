import { randomUUID } from 'node:crypto';
import { InvitationState } from '@planton/api/identity/v1/invitation';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { ISSUER, refusalOf } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';

describe.each(engines)('invitations on %s', (kind) => {
  const fixture = useFixture(kind);
  const email = () => `${randomUUID()}@example.com`;

  test('the link is in the answer alone, the hash in the database, and the list tells the rest', async () => {
    const { root, database, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    for (const slug of ['staging', 'production']) await root.createEnvironment({ org, slug });
    const address = email();
    const { invitation, link, replaced } = await root.createInvitation({
      org,
      email: ` ${address.toUpperCase()}`.trim(),
      role: Role.DEVELOPER,
      environments: ['staging', 'production'],
    });
    expect(link).toMatch(new RegExp(`^${ISSUER}/auth/invitation\\?token=[\\w-]{43}$`));
    expect(replaced).toBe(false);
    const { subjectUid } = await root.whoAmI({});
    expect(invitation).toMatchObject({
      email: address,
      role: Role.DEVELOPER,
      environments: ['production', 'staging'],
      limited: true,
      inviterUid: subjectUid,
      state: InvitationState.GOOD,
    });
    const lifetime =
      Number(invitation?.expireTime?.seconds ?? 0n) - Number(invitation?.createTime?.seconds ?? 0n);
    expect(lifetime).toBe(7 * 24 * 3600);
    const { invitations } = await root.listInvitations({ org });
    expect(invitations).toEqual([invitation]);

    const token = link.slice(-43);
    const { query } = database;
    const stored = [
      await query.selectFrom('invitation').selectAll().execute(),
      await query.selectFrom('audit_record').selectAll().where('organization_uid', '=', uid).execute(),
    ];
    expect(JSON.stringify(stored)).not.toContain(token);
    expect(stored[1]?.at(-1)).toMatchObject({
      action: 'invitation.create',
      resource_slug: address,
      details: { role: 'developer', environments: 'staging,production' },
    });
  });

  test('nobody gives more than he has, and what is not covered reads as absent', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const staging = await root.createEnvironment({ org, slug: 'staging' });
    await root.createEnvironment({ org, slug: 'production' });
    const admin = await newUser(uid, 'admin');
    const limited = await newUser(uid, 'admin', [staging.environment?.uid ?? '']);
    const invite = (user: typeof admin, role: Role, environments: string[] = []) =>
      refusalOf(user.client.createInvitation({ org, email: email(), role, environments }));
    expect(await invite(admin, Role.OWNER)).toEqual({ kind: 'denied', reason: 'ROLE_NOT_INCLUDED' });
    expect(await invite(limited, Role.VIEWER)).toEqual({ kind: 'denied', reason: 'ENVIRONMENT_NOT_COVERED' });
    const absent = { kind: 'missing', reason: 'ENVIRONMENT_NOT_FOUND' };
    expect(await invite(limited, Role.VIEWER, ['production'])).toEqual(absent);
    expect(await invite(limited, Role.VIEWER, ['nowhere'])).toEqual(absent);
    expect(
      await refusalOf(
        root.createInvitation({ org, email: email(), role: Role.OWNER, environments: ['staging'] }),
      ),
    ).toEqual({ kind: 'invalid', reason: 'OWNER_LIMITED' });
    expect((await root.listInvitations({ org })).invitations).toEqual([]);

    // Nor is what somebody gave beyond that replaced or taken back.
    const [owner, everywhere] = [email(), email()];
    const { invitation } = await root.createInvitation({ org, email: owner, role: Role.OWNER });
    const wide = await root.createInvitation({ org, email: everywhere, role: Role.VIEWER });
    const replace = (user: typeof admin, address: string) =>
      refusalOf(
        user.client.createInvitation({ org, email: address, role: Role.VIEWER, environments: ['staging'] }),
      );
    expect(await replace(admin, owner)).toEqual({ kind: 'denied', reason: 'ROLE_NOT_INCLUDED' });
    expect(await replace(limited, everywhere)).toEqual({
      kind: 'denied',
      reason: 'ENVIRONMENT_NOT_COVERED',
    });
    const take = (user: typeof admin, each: typeof invitation) =>
      refusalOf(user.client.revokeInvitation({ org, uid: each?.uid ?? '' }));
    expect(await take(admin, invitation)).toEqual({ kind: 'denied', reason: 'ROLE_NOT_INCLUDED' });
    expect(await take(limited, wide.invitation)).toEqual({
      kind: 'denied',
      reason: 'ENVIRONMENT_NOT_COVERED',
    });
    expect((await root.listInvitations({ org })).invitations).toHaveLength(2);
  });

  test('another invitation of an address replaces the open one, also when many come at once', async () => {
    const { root, database, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    const address = email();
    const invite = () => root.createInvitation({ org, email: address, role: Role.VIEWER });
    const all = await Promise.all(Array.from({ length: 5 }, invite));
    expect(all.filter(({ replaced }) => replaced)).toHaveLength(4);
    expect((await root.listInvitations({ org })).invitations).toHaveLength(1);
    const records = await database.query
      .selectFrom('audit_record')
      .select(['action', 'details'])
      .where('organization_uid', '=', uid)
      .where('action', '=', 'invitation.revoke')
      .execute();
    expect(records).toHaveLength(4);
    expect(records[0]?.details).toEqual({ why: 'replaced' });

    await database.query
      .updateTable('invitation')
      .set({ expire_time: new Date(0) })
      .where('email', '=', address)
      .execute();
    expect((await root.listInvitations({ org })).invitations).toEqual([]);
    expect((await invite()).replaced).toBe(false);
  });

  test('is taken back once, and is nothing in another organisation', async () => {
    const { root, newOrganization } = fixture();
    const [{ slug: org }, { slug: other }] = [await newOrganization(), await newOrganization()];
    const { invitation } = await root.createInvitation({ org, email: email(), role: Role.VIEWER });
    const uid = invitation?.uid ?? '';
    const missing = { kind: 'missing', reason: 'INVITATION_NOT_FOUND' };
    expect(await refusalOf(root.revokeInvitation({ org: other, uid }))).toEqual(missing);
    expect(await refusalOf(root.revokeInvitation({ org, uid: randomUUID() }))).toEqual(missing);
    await root.revokeInvitation({ org, uid });
    await root.revokeInvitation({ org, uid });
    expect((await root.listInvitations({ org })).invitations).toEqual([]);
  });

  test('says when its link has stopped to work', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    await root.createEnvironment({ org, slug: 'staging' });
    const { client, uid: subjectUid } = await newUser(uid, 'admin');
    await client.createInvitation({ org, email: 'a@example.com', role: Role.VIEWER });
    await root.createInvitation({
      org,
      email: 'b@example.com',
      role: Role.VIEWER,
      environments: ['staging'],
    });
    const states = async () => (await root.listInvitations({ org })).invitations.map(({ state }) => state);
    expect(await states()).toEqual([InvitationState.GOOD, InvitationState.GOOD]);
    await root.setMember({ org, subjectUid, role: Role.DEVELOPER });
    await root.deleteEnvironment({ org, environment: 'staging' });
    expect(await states()).toEqual([InvitationState.INVITER_MAY_NOT, InvitationState.COVERS_NOTHING]);
    await root.setMember({ org, subjectUid, role: Role.OWNER });
    expect(await states()).toEqual([InvitationState.GOOD, InvitationState.COVERS_NOTHING]);
    await root.disableAccount({ uid: subjectUid });
    expect((await states())[0]).toBe(InvitationState.INVITER_MAY_NOT);
  });

  test('200 are open at a time', async () => {
    const { root, database, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    const { subjectUid } = await root.whoAmI({});
    await database.query
      .insertInto('invitation')
      .values(
        Array.from({ length: 200 }, (_, n) => ({
          uid: randomUUID(),
          organization_uid: uid,
          email: `${n}@example.com`,
          role: 'viewer' as const,
          limited: false,
          hash: Buffer.from(randomUUID()),
          inviter_uid: subjectUid,
          expire_time: new Date(Date.now() + 3_600_000),
        })),
      )
      .execute();
    const invite = (address: string) => root.createInvitation({ org, email: address, role: Role.VIEWER });
    expect(await refusalOf(invite('200@example.com'))).toEqual({
      kind: 'quota',
      reason: 'INVITATION_LIMIT',
    });
    expect((await invite('7@example.com')).replaced).toBe(true);
  });

  test.each(['ada', '', 'a b@example.com', 'ada@', 'a@b@c', 'ada@x.invalid', `${'a'.repeat(250)}@x.io`])(
    '"%s" is no address',
    async (address) => {
      const { root, newOrganization } = fixture();
      const { slug: org } = await newOrganization();
      const refused = await refusalOf(root.createInvitation({ org, email: address, role: Role.VIEWER }));
      expect(refused.kind).toBe('invalid');
    },
  );

  test.each([60, 31 * 24 * 3600])('%d seconds is no lifetime', async (seconds) => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const lifetime = { seconds: BigInt(seconds), nanos: 0 };
    expect(
      await refusalOf(root.createInvitation({ org, email: email(), role: Role.VIEWER, lifetime })),
    ).toMatchObject({ reason: 'VALIDATION_FAILED' });
  });
});
