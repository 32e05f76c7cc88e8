import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { type Kysely, sql } from 'kysely';
import { beforeEach, describe, expect, test } from 'vitest';
import { lockOrganization } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';
import type { Browser, Page } from '../testing/browse.ts';
import { refusalOf } from '../testing/open-fixture.ts';
import { type Invited, PASSWORD, useSite } from '../testing/use-site.ts';
import { endInvitation } from './invitation-store.ts';

describe.each(engines)('the acceptance of an invitation on %s', (kind) => {
  const site = useSite(kind);
  // Links are secrets, which are not handed out on a picture of the revocations that is old.
  beforeEach(() => site.fixture().guard.revocations.refresh());
  const newcomer = (more: object = {}) => ({ name: 'Grace', password: PASSWORD, again: PASSWORD, ...more });
  const address = () => `${randomUUID().slice(0, 8)}@example.com`;
  const query = () => site.fixture().database.query;
  const { invite, newPerson } = site;
  const membersOf = async (org: string) =>
    (await site.fixture().root.listMembers({ org })).members.map(({ name, role }) => [name, role]);
  const accept = (browser: Browser, page: Page, fields: Record<string, string> = newcomer()) =>
    browser.submit(page, '/auth/invitation', fields);
  const signIn = async (browser: Browser, page: Page, email: string) =>
    browser.submit(page, '/auth/sign-in', { email, password: PASSWORD });

  test('keeps no account from being made twice: whoever has one by now signs in', async () => {
    const one = await invite();
    const shared = await invite({ email: one.email });
    const [first, second] = [site.browse(), site.browse()];
    const [page, other] = [await first.open(one.path), await second.open(shared.path)];
    expect((await accept(first, page)).status).toBe(200);
    const late = await accept(second, other);
    expect([late.status, late.text]).toEqual([409, expect.stringContaining('account with your address')]);
    expect(second.cookies.has('planton-session')).toBe(false);
    const led = await signIn(second, late, one.email);
    expect(led.headers.get('location')).toBe('/auth/invitation');
    expect((await accept(second, await second.open('/auth/invitation'), {})).status).toBe(200);
  });

  test('makes one account of two that are set up at once, from two organisations', async () => {
    for (let round = 0; round < 4; round++) {
      const email = address();
      const links = [await invite({ email }), await invite({ email })];
      const done = await Promise.all(
        links.map(async ({ path }) => {
          const browser = site.browse();
          return (await accept(browser, await browser.open(path))).status;
        }),
      );
      expect(done.sort()).toEqual([200, 409]);
      const people = await query().selectFrom('person').select('id').where('email', '=', email).execute();
      expect(people).toHaveLength(1);
    }
  });

  test('is accepted by one of many that accept at once', async () => {
    for (let round = 0; round < 3; round++) {
      const { org, path } = await invite();
      const tries = await Promise.all(
        Array.from({ length: 4 }, async () => {
          const browser = site.browse();
          return (await accept(browser, await browser.open(path))).status;
        }),
      );
      // Who comes later finds the account that was made, or the link used up.
      expect(tries.filter((status) => status === 200)).toHaveLength(1);
      expect(tries.filter((status) => status !== 200 && status !== 410 && status !== 409)).toEqual([]);
      expect(await membersOf(org)).toHaveLength(2);
    }
  });

  test('of an acceptance and a revocation at once one is, and both sides are told', async () => {
    for (let round = 0; round < 6; round++) {
      const { org, uid, path } = await invite();
      const browser = site.browse();
      const page = await browser.open(path);
      const [accepted, revoked] = await Promise.all([
        accept(browser, page).then(({ status }) => status),
        site
          .fixture()
          .root.revokeInvitation({ org, uid })
          .then(
            () => 'revoked',
            async (error) => (await refusalOf(Promise.reject(error))).reason,
          ),
      ]);
      expect([
        [200, 'INVITATION_ACCEPTED'],
        [410, 'revoked'],
      ]).toContainEqual([accepted, revoked]);
      expect(await membersOf(org)).toHaveLength(accepted === 200 ? 2 : 1);
    }
  });

  test.each<[string, 'demoted' | 'removed' | 'disabled' | 'limited']>([
    ['was demoted', 'demoted'],
    ['was removed', 'removed'],
    ['is disabled', 'disabled'],
    ['was limited', 'limited'],
  ])('is dead once whoever invited %s, also for a page that is open', async (_what, how) => {
    const { root, newOrganization, newUser } = site.fixture();
    const { uid, slug: org } = await newOrganization();
    await root.createEnvironment({ org, slug: 'staging' });
    const inviter = await newUser(uid, 'admin');
    const email = address();
    const { link } = await inviter.client.createInvitation({ org, email, role: Role.ADMIN });
    const path = link.slice(link.indexOf('/auth'));
    const browser = site.browse();
    const page = await browser.open(path);
    expect(page.status).toBe(200);
    const subjectUid = inviter.uid;
    if (how === 'removed') await root.removeMember({ org, subjectUid });
    else if (how === 'disabled') await root.disableAccount({ uid: subjectUid });
    else {
      const limits =
        how === 'limited' ? { role: Role.ADMIN, environments: ['staging'] } : { role: Role.VIEWER };
      await root.setMember({ org, subjectUid, ...limits });
    }
    const refused = await accept(browser, page);
    expect([refused.status, refused.text]).toEqual([410, expect.stringContaining('not good any more')]);
    expect((await site.browse().open(path)).status).toBe(410);
    const people = await query().selectFrom('person').select('id').where('email', '=', email).execute();
    expect(people).toEqual([]);
  });

  test('who is demoted while somebody accepts was first or too late', async () => {
    const { root, newOrganization, newUser } = site.fixture();
    for (let round = 0; round < 5; round++) {
      await site.fixture().guard.revocations.refresh();
      const { uid, slug: org } = await newOrganization();
      const inviter = await newUser(uid, 'admin');
      const { link } = await inviter.client.createInvitation({ org, email: address(), role: Role.ADMIN });
      const browser = site.browse();
      const page = await browser.open(link.slice(link.indexOf('/auth')));
      const [done] = await Promise.all([
        accept(browser, page),
        root.setMember({ org, subjectUid: inviter.uid, role: Role.VIEWER }),
      ]);
      const order = await query()
        .selectFrom('audit_record')
        .select('action')
        .where('organization_uid', '=', uid)
        .where('action', 'in', ['member.add', 'member.set'])
        .orderBy('sequence' as 'record_time')
        .execute();
      const actions = order.map(({ action }) => action);
      expect(actions).toEqual(done.status === 200 ? ['member.add', 'member.set'] : ['member.set']);
    }
  });

  test.each<
    [string, (tx: Kysely<IdentityTables>, at: Invited & { organizationUid: string }) => Promise<unknown>]
  >([
    [
      'demotes whoever invited',
      (tx, { organizationUid }) =>
        tx
          .updateTable('member')
          .set({ role: 'viewer' })
          .where('organization_uid', '=', organizationUid)
          .execute(),
    ],
    ['revokes it', (tx, { uid }) => endInvitation(tx, uid, 'revoke_time')],
    ['deletes its environment', (tx) => tx.deleteFrom('environment').where('slug', '=', 'held').execute()],
  ])('waits for who is before it and %s', async (_what, change) => {
    const { root, database, newOrganization } = site.fixture();
    const { slug: org, uid: organizationUid } = await newOrganization();
    await root.createEnvironment({ org, slug: 'held' });
    const { browser, email } = await newPerson();
    const invited = await invite({ org, email, environments: ['held'] });
    const page = await browser.open(invited.path);
    const [begun, commit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const before = await query().selectFrom('member').selectAll().execute();
    const changed = database.transact(async (tx) => {
      await lockOrganization(tx, organizationUid);
      await change(tx, { ...invited, organizationUid });
      begun.resolve();
      await commit.promise;
    });
    await begun.promise;
    const answer = accept(browser, page, {});
    // Long enough to come to the lock; whoever comes later finds the change made, which is refused too.
    await sleep(300);
    commit.resolve();
    await changed;
    expect((await answer).status).toBe(410);
    const after = await query().selectFrom('member').selectAll().execute();
    expect(after).toHaveLength(before.length);
  });

  test('gives what is left of its environments, and nothing once none is', async () => {
    const { root, newOrganization } = site.fixture();
    const { slug: org } = await newOrganization();
    for (const slug of ['staging', 'production']) await root.createEnvironment({ org, slug });
    const environments = ['staging', 'production'];
    const [half, none] = [await invite({ org, environments }), await invite({ org, environments })];
    const [browser, other] = [site.browse(), site.browse()];
    const [page, late] = [await browser.open(half.path), await other.open(none.path)];
    await root.deleteEnvironment({ org, environment: 'staging' });
    expect((await accept(browser, page)).status).toBe(200);
    const { members } = await root.listMembers({ org });
    expect(members.find(({ name }) => name === 'Grace')).toMatchObject({
      limited: true,
      environments: ['production'],
    });
    await root.deleteEnvironment({ org, environment: 'production' });
    for (const answer of [await accept(other, late), await site.browse().open(none.path)])
      expect([answer.status, answer.text]).toEqual([410, expect.stringContaining('have been deleted')]);
    expect((await root.listMembers({ org })).members).toHaveLength(2);
  });

  test('to an organisation that is full is kept until there is room', async () => {
    const { org, path } = await invite();
    const { uid } = await query()
      .selectFrom('organization')
      .select('uid')
      .where('slug', '=', org)
      .executeTakeFirstOrThrow();
    await sql`insert into identity.subject (uid, kind, name) select ${uid} || i, 'user', 'u' || i from generate_series(1, 4999) i`.execute(
      query(),
    );
    await sql`insert into identity.member (organization_uid, subject_uid, role, limited)
      select ${uid}, ${uid} || i, 'viewer', false from generate_series(1, 4999) i`.execute(query());
    const browser = site.browse();
    const refused = await accept(browser, await browser.open(path));
    expect([refused.status, refused.text]).toEqual([409, expect.stringContaining('make room')]);
    await site.fixture().root.removeMember({ org, subjectUid: `${uid}1` });
    expect((await accept(browser, await browser.open(path))).status).toBe(200);
  });

  test('changes nothing for who is a member already, and is gone with who is removed', async () => {
    const { root } = site.fixture();
    const { browser, email, name } = await newPerson();
    const { org, path } = await invite({ email, role: Role.VIEWER });
    const { members } = await root.listMembers({ org });
    const page = await browser.open(path);
    const person = await query().selectFrom('person').select('id').where('email', '=', email).execute();
    const subjectUid = person[0]?.id ?? '';
    const { organizations } = await root.whoAmI({});
    const organizationUid = organizations.find(({ slug }) => slug === org)?.uid ?? '';
    await query()
      .insertInto('member')
      .values({
        organization_uid: organizationUid,
        subject_uid: subjectUid,
        role: 'developer',
        limited: false,
      })
      .execute();
    for (const answer of [await accept(browser, page, {}), await browser.open(path)])
      expect([answer.status, answer.text]).toEqual([409, expect.stringContaining('a member of')]);
    expect(await membersOf(org)).toContainEqual([name, Role.DEVELOPER]);
    expect(await refusalOf(root.createInvitation({ org, email, role: Role.ADMIN }))).toEqual({
      kind: 'duplicate',
      reason: 'MEMBER_EXISTS',
    });
    await root.removeMember({ org, subjectUid });
    expect((await browser.open(path)).status).toBe(410);
    expect((await root.listMembers({ org })).members).toHaveLength(members.length);
  });
});
