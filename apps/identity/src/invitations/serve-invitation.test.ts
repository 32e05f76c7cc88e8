import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { lockOrganization } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';
import type { Browser, Page } from '../testing/browse.ts';
import { refusalOf } from '../testing/open-fixture.ts';
import { startBadProvider } from '../testing/start-bad-provider.ts';
import { EMAIL, type Invited, PASSWORD, useSite } from '../testing/use-site.ts';
import { endInvitation } from './invitation-store.ts';

const secret = { id: 'planton', secret: 'a secret of more than 32 characters, as keys of HMAC are' };
const provider = await startBadProvider(secret);
afterAll(() => void provider.stop());

describe.each(engines)('the page of an invitation on %s', (kind) => {
  const site = useSite(kind, {
    issuer: provider.issuer,
    clientId: secret.id,
    clientSecret: secret.secret,
    allowedDomains: [],
    defaultRole: 'viewer',
  });
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

  test('somebody new sets an account up there, with the address of the invitation, and is in', async () => {
    const { org, email, path } = await invite();
    const browser = site.browse();
    const page = await browser.open(path);
    expect(page.text).toContain(email);
    expect(page.text).toContain('readonly');
    const done = await accept(browser, page, newcomer({ email: EMAIL }));
    expect([done.status, done.text]).toEqual([200, expect.stringContaining('planton auth login')]);
    expect(browser.cookies.has('planton-invitation')).toBe(false);
    expect((await browser.open('/auth/account')).text).toContain(email);
    expect(await membersOf(org)).toContainEqual(['Grace', Role.DEVELOPER]);
    const grant = await site.newGrant(browser);
    const who = await site.fixture().clientWith(grant.access_token).whoAmI({});
    expect(who).toMatchObject({ email, organizations: [{ slug: org, role: Role.DEVELOPER }] });
    const person = await query().selectFrom('person').selectAll().where('email', '=', email).execute();
    expect(person).toMatchObject([{ email_verified: false }]);

    expect((await site.browse().open(path)).status).toBe(410);
    const again = site.browse();
    expect((await signIn(again, await again.open('/auth/sign-in'), email)).status).toBe(303);
  });

  test('leaves the whole of it on record, and the token nowhere', async () => {
    const { org, email, uid, path } = await invite();
    const browser = site.browse();
    await accept(browser, await browser.open(path));
    const { organizations } = await site.fixture().root.whoAmI({});
    const organizationUid = organizations.find(({ slug }) => slug === org)?.uid ?? '';
    const records = await query()
      .selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', 'in', [organizationUid, ''])
      .orderBy('sequence' as 'record_time')
      .execute();
    expect(records.filter((each) => each.organization_uid === organizationUid)).toMatchObject([
      { action: 'organization.create' },
      { action: 'invitation.create', resource_uid: uid },
      { action: 'invitation.accept', resource_uid: uid, resource_slug: email, actor_name: 'Grace' },
      { action: 'member.add', resource_slug: 'Grace', details: { role: 'developer' } },
    ]);
    expect(records.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['account.create', 'session.sign_in']),
    );
    expect(JSON.stringify(records)).not.toContain(path.slice(-43));
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

  test('somebody with an account signs in and says yes; the link alone does nothing', async () => {
    const { email, name } = await newPerson();
    const { org, path } = await invite({ email, role: Role.ADMIN });
    const browser = site.browse();
    const asked = await browser.open(path);
    expect(asked.text).toContain('sign in to join');
    const led = await signIn(browser, asked, email);
    expect([led.status, led.headers.get('location')]).toEqual([303, '/auth/invitation']);
    const page = await browser.open('/auth/invitation');
    expect(page.text).toContain(`You are signed in as ${name}`);
    expect(await membersOf(org)).toHaveLength(1);
    const grant = await site.newGrant(browser);
    const client = site.fixture().clientWith(grant.access_token);
    expect(await refusalOf(client.listMembers({ org }))).toMatchObject({ reason: 'ORGANIZATION_NOT_FOUND' });
    expect((await accept(browser, page, {})).status).toBe(200);
    expect(await membersOf(org)).toContainEqual([name, Role.ADMIN]);
    await site.fixture().guard.revocations.refresh();
    expect((await client.listMembers({ org })).members).toHaveLength(2);
  });

  test('keeps no account from being made twice: whoever has one by now signs in', async () => {
    const [one, two] = await Promise.all([invite(), newPerson()]);
    const shared = await invite({ email: one.email });
    const [first, second] = [site.browse(), site.browse()];
    const [page, other] = [await first.open(one.path), await second.open(shared.path)];
    expect(two.email).not.toBe(one.email);
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

  test('is for nobody else: who is invited is said, and signing out leads on', async () => {
    const { browser, name } = await newPerson();
    const { org, email, path } = await invite();
    const page = await browser.open(path);
    expect([page.status, page.text]).toEqual([403, expect.stringContaining(email)]);
    const { form_token } = Object.fromEntries(
      [...page.text.matchAll(/name="(form_token)" value="([^"]*)"/g)].map(([, key, value]) => [key, value]),
    );
    const forced = await browser.submit(page, '/auth/invitation', {
      token: path.slice(-43),
      form_token: form_token ?? '',
    });
    expect([forced.status, forced.text]).toEqual([403, expect.stringContaining('somebody else')]);
    expect(await membersOf(org)).toHaveLength(1);
    const out = await browser.submit(page, '/auth/sign-out', {});
    expect(out.headers.get('location')).toBe('/auth/invitation');
    const next = await browser.open('/auth/invitation');
    expect(next.text).toContain('Set up your account');
    expect((await accept(browser, next, newcomer({ name: `${name} too` }))).status).toBe(200);
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

  test('is accepted by an account of the OpenID provider too', async () => {
    const { org, email, path } = await invite();
    const browser = site.browse();
    const page = await browser.open(path);
    const start = /href="(\/auth\/oidc\/start[^"]*)"/.exec(page.text)?.[1] ?? '';
    expect(start).not.toContain(path.slice(-43));
    const departed = (await browser.open(start)).headers.get('location') ?? '';
    const claims = { sub: email, email, email_verified: true, name: 'Kay' };
    const back = await browser.open(`/auth/oidc/callback?${provider.signIn(departed, { claims })}`);
    expect(back.headers.get('location')).toBe('/auth/invitation');
    expect((await accept(browser, await browser.open('/auth/invitation'), {})).status).toBe(200);
    expect(await membersOf(org)).toContainEqual(['Kay', Role.DEVELOPER]);
    const kept = await query().selectFrom('verification').select('value').execute();
    expect(JSON.stringify(kept)).not.toContain(path.slice(-43));
  });

  test('is nothing for who has a link that is cut short, made up, old or given twice', async () => {
    const { path, uid } = await invite();
    for (const forged of [path.slice(0, -1), `${path}A`, `${path.slice(0, -2)}AA`, '/auth/invitation'])
      if (forged !== path) expect([forged, (await site.browse().open(forged)).status]).toEqual([forged, 410]);
    expect((await site.browse().open(`${path}&token=${'A'.repeat(43)}`)).status).toBe(400);
    const browser = site.browse();
    const page = await browser.open(path);
    await query()
      .updateTable('invitation')
      .set({ expire_time: new Date(0) })
      .where('uid', '=', uid)
      .execute();
    expect((await accept(browser, page)).status).toBe(410);
    expect((await browser.open(path)).status).toBe(410);
    await query().deleteFrom('sign_in_failure').execute();
  });

  test('takes no form of another site or browser, nor one that says a thing twice', async () => {
    const { org, path } = await invite();
    const browser = site.browse();
    const page = await browser.open(path);
    const send = async (headers: Record<string, string>) =>
      (await browser.submit(page, '/auth/invitation', newcomer(), headers)).status;
    expect(await send({ origin: 'https://evil.example' })).toBe(403);
    expect(await send({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect((await site.browse().submit(page, '/auth/invitation', newcomer())).status).toBe(403);
    const twice = await fetch(`${site.url()}/auth/invitation`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'token=a&token=b',
    });
    expect(twice.status).toBe(400);
    expect(await membersOf(org)).toHaveLength(1);
  });

  test.each([
    ['a short password', { password: 'short', again: 'short' }, 'at least 12'],
    ['two passwords', { again: `${PASSWORD}!` }, 'differ'],
    ['no name', { name: ' \u202e ' }, 'name'],
  ])('is not used up by %s', async (_what, wrong, why) => {
    const { path } = await invite();
    const browser = site.browse();
    const page = await browser.open(path);
    const refused = await accept(browser, page, newcomer(wrong));
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(why)]);
    expect(refused.text).not.toContain(PASSWORD);
    expect((await accept(browser, page)).status).toBe(200);
  });

  test('shows names as text', async () => {
    const { root } = site.fixture();
    const slug = `x-${randomUUID().slice(0, 8)}`;
    await root.createOrganization({ slug, name: '<script>alert(1)</script>' });
    const { path } = await invite({ org: slug });
    const { text } = await site.browse().open(path);
    expect(text).not.toContain('<script');
    expect(text).toContain('&#60;script&#62;');
  });

  test('is put off after many guesses', async () => {
    await query().deleteFrom('sign_in_failure').execute();
    const { path } = await invite();
    const guess = () => site.browse().open(`/auth/invitation?token=${'A'.repeat(43)}`);
    const tries = await Promise.all(Array.from({ length: 63 }, guess));
    const statuses = tries.map(({ status }) => status);
    expect(statuses.filter((status) => status === 410)).toHaveLength(61);
    expect(statuses.filter((status) => status === 429)).toHaveLength(2);
    await query()
      .updateTable('sign_in_failure')
      .set({ blocked_until: new Date(Date.now() + 60_000) })
      .execute();
    expect((await site.browse().open(path)).status).toBe(429);
    await query().deleteFrom('sign_in_failure').execute();
    expect((await site.browse().open(path)).status).toBe(200);
  });
});
