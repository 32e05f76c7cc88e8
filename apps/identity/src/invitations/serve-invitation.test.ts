import { randomUUID } from 'node:crypto';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Browser, Page } from '../testing/browse.ts';
import { refusalOf } from '../testing/open-fixture.ts';
import { startBadProvider } from '../testing/start-bad-provider.ts';
import { EMAIL, PASSWORD, useSite } from '../testing/use-site.ts';

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
