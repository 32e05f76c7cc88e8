import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { useSite } from '../testing/use-site.ts';

describe.each(engines)('owners who are disabled on %s', (kind) => {
  const site = useSite(kind);
  const query = () => site.fixture().database.query;
  /** Another owner of the instance, whom only the database makes. */
  const newOwner = async () => {
    const { newOrganization, newUser } = site.fixture();
    const { uid: org } = await newOrganization();
    const owner = await newUser(org, 'viewer');
    await query().updateTable('subject').set({ instance_owner: true }).where('uid', '=', owner.uid).execute();
    return owner;
  };
  const demote = (uid: string) =>
    query().updateTable('subject').set({ instance_owner: false }).where('uid', '=', uid).execute();

  test('the last owner of the instance who may sign in is not disabled', async () => {
    const { root } = site.fixture();
    const { subjectUid } = await root.whoAmI({});
    const last = { kind: 'state', reason: 'LAST_INSTANCE_OWNER' };
    expect(await refusalOf(root.disableAccount({ uid: subjectUid }))).toEqual(last);
    const other = await newOwner();
    await root.disableAccount({ uid: other.uid });
    expect(await refusalOf(root.disableAccount({ uid: subjectUid }))).toEqual(last);
    await root.enableAccount({ uid: other.uid });
    await root.disableAccount({ uid: subjectUid });
    await other.client.enableAccount({ uid: subjectUid });
    await demote(other.uid);
  });

  test('of two owners who disable each other at once one stays', async () => {
    const { root } = site.fixture();
    const { subjectUid } = await root.whoAmI({});
    for (let round = 0; round < 5; round++) {
      const other = await newOwner();
      const done = await Promise.allSettled([
        root.disableAccount({ uid: other.uid }),
        other.client.disableAccount({ uid: subjectUid }),
      ]);
      expect(done.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const disabled = await query()
        .selectFrom('subject')
        .select('uid')
        .where('instance_owner', '=', true)
        .where('disable_time', 'is not', null)
        .execute();
      expect(disabled).toHaveLength(1);
      await query()
        .updateTable('subject')
        .set({ disable_time: null })
        .where('uid', '=', subjectUid)
        .execute();
      await demote(other.uid);
    }
  });

  test('an owner who is disabled does not keep an organisation, and who is left is said', async () => {
    const { root, newOrganization, newUser } = site.fixture();
    const { uid, slug: org } = await newOrganization();
    const { subjectUid } = await root.whoAmI({});
    const other = await newUser(uid, 'owner');
    expect((await root.disableAccount({ uid: other.uid })).ownerlessOrgs).toEqual([]);
    expect(await refusalOf(root.setMember({ org, subjectUid, role: Role.ADMIN }))).toMatchObject({
      reason: 'LAST_OWNER',
    });
    await root.enableAccount({ uid: other.uid });
    await other.client.removeMember({ org, subjectUid });
    expect((await root.disableAccount({ uid: other.uid })).ownerlessOrgs).toEqual([org]);
  });
});
