import { createHash } from 'node:crypto';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import type { Browser } from '../testing/browse.ts';
import { startBadProvider, type Wanted } from '../testing/start-bad-provider.ts';
import { EMAIL, useSite } from '../testing/use-site.ts';

const client = { id: 'planton', secret: 'a secret of more than 32 characters, as keys of HMAC are' };
const provider = await startBadProvider(client);
afterAll(() => void provider.stop());

describe.each(engines)('sign-in with an OpenID provider on %s', (kind) => {
  const site = useSite(kind, {
    issuer: provider.issuer,
    clientId: client.id,
    clientSecret: client.secret,
    allowedDomains: ['example.com'],
    defaultOrg: 'home',
    defaultRole: 'developer',
  });
  const start = '/auth/oidc/start?continue=%2Fauth%2Fdevice';
  const depart = async (browser: Browser) => (await browser.open(start)).headers.get('location') ?? '';
  const comeBack = (browser: Browser, words: URLSearchParams) => browser.open(`/auth/oidc/callback?${words}`);
  const signIn = async (wanted: Wanted, browser = site.browse()) => {
    const back = await comeBack(browser, provider.signIn(await depart(browser), wanted));
    return { browser, status: back.status, text: back.text, location: back.headers.get('location') };
  };
  const grace = (more: object = {}) => ({
    sub: 'g-1',
    email: 'Grace@Example.com',
    email_verified: true,
    name: 'Grace',
    ...more,
  });
  const forgive = () => site.fixture().database.query.deleteFrom('sign_in_failure').execute();

  test('makes an account, leads on, and knows the person again by the name of the provider', async () => {
    const { organization } = await site.fixture().root.createOrganization({ slug: 'home' });
    expect((await site.browse().open('/auth/sign-in')).text).toContain(
      `Continue with ${new URL(provider.issuer).host}`,
    );
    const first = await signIn({ claims: grace() });
    expect([first.status, first.location]).toEqual([303, '/auth/device']);
    expect((await first.browser.open('/auth/account')).text).toContain('grace@example.com');
    const { members } = await site.fixture().root.listMembers({ org: 'home' });
    expect(members.map(({ name }) => name)).toContain('Grace');
    expect(organization?.slug).toBe('home');
    const renamed = await signIn({ claims: grace({ email: 'hopper@example.com' }) });
    expect((await renamed.browser.open('/auth/account')).text).toContain('grace@example.com');
    const { challenge, verifier } = provider.seen.at(-1) ?? {};
    expect(
      createHash('sha256')
        .update(verifier ?? '')
        .digest('base64url'),
    ).toBe(challenge);
    const grant = await site.newGrant(first.browser);
    expect(await site.fixture().clientWith(grant.access_token).whoAmI({})).toMatchObject({
      name: 'Grace',
      instanceOwner: false,
    });
  });

  test.each<[string, Wanted]>([
    ['of another issuer', { claims: { iss: 'https://evil.example' } }],
    ['for another audience', { claims: { aud: 'other' } }],
    ['of another sign-in', { claims: { nonce: 'other' } }],
    ['without a nonce', { claims: { nonce: undefined } }],
    ['that is old', { claims: { exp: 1 } }],
    ['without a signature', { sign: 'none' }],
    ['signed by another key', { sign: 'other_key' }],
    ['signed with the public key as a secret', { sign: 'hs256_public' }],
    ['signed with the secret of the client', { sign: 'hs256_secret' }],
  ])('takes no ID token %s', async (_what, wanted) => {
    await forgive();
    const control = await signIn({ claims: grace() });
    expect(control.status).toBe(303);
    const { status, browser } = await signIn({ ...wanted, claims: { ...grace(), ...wanted.claims } });
    expect(status).toBe(400);
    expect(browser.cookies.has('planton-session')).toBe(false);
  });

  test('takes a state once, from the browser that it was given to', async () => {
    await forgive();
    const browser = site.browse();
    const words = provider.signIn(await depart(browser), { claims: grace() });
    expect((await comeBack(site.browse(), words)).status).toBe(400);
    const thief = site.browse();
    await depart(thief);
    expect((await comeBack(thief, words)).status).toBe(400);
    const cookie = browser.cookies.get('planton-oidc') ?? '';
    expect((await comeBack(browser, words)).status).toBe(303);
    browser.cookies.set('planton-oidc', cookie);
    const again = new URLSearchParams({ ...Object.fromEntries(words), code: 'another' });
    expect((await comeBack(browser, again)).status).toBe(400);
    expect((await comeBack(browser, new URLSearchParams())).status).toBe(400);
  });

  test('goes on when the provider changes its key, and not when it says that it is somebody else', async () => {
    await forgive();
    await provider.rotate();
    expect((await signIn({ claims: grace() })).status).toBe(303);
    provider.claimToBe('https://evil.example');
    expect((await site.browse().open(start)).status).toBe(503);
    provider.claimToBe(undefined);
  });

  test('never brings anybody to an account with a password, nor by an address that is not verified', async () => {
    await forgive();
    await site.signedIn();
    const taken = await signIn({ claims: grace({ sub: 'thief', email: EMAIL }) });
    expect([taken.status, taken.text]).toEqual([403, expect.stringContaining('another way to sign in')]);
    const same = await signIn({ claims: grace({ sub: 'g-2' }) });
    expect([same.status, same.text]).toEqual([403, expect.stringContaining('another way to sign in')]);
    for (const verified of [false, undefined, 'true', 1]) {
      const refused = await signIn({
        claims: grace({ sub: 'new', email: 'new@example.com', email_verified: verified }),
      });
      expect([verified, refused.status, refused.text]).toEqual([
        verified,
        403,
        expect.stringContaining('not say that your e-mail'),
      ]);
    }
    for (const email of ['a@evil.example', 'a@example.com.evil', 'a@sub.example.com', 'example.com@evil']) {
      const refused = await signIn({ claims: grace({ sub: 'out', email }) });
      expect([email, refused.status]).toEqual([email, 403]);
    }
    const people = await site.fixture().database.query.selectFrom('person').select('email').execute();
    expect(people.map(({ email }) => email).sort()).toEqual([EMAIL, 'grace@example.com']);
  });

  test('lets in whoever finds no room in the organisation, and says so in its trail', async () => {
    await forgive();
    const { database, root } = site.fixture();
    const home = database.query.selectFrom('organization').select('uid').where('slug', '=', 'home');
    const { uid } = await home.executeTakeFirstOrThrow();
    const fill = sql`from generate_series(1, 5000) i`;
    await sql`insert into identity.subject (uid, kind, name) select 'full-' || i, 'user', '' ${fill}`.execute(
      database.query,
    );
    await sql`insert into identity.member (organization_uid, subject_uid, role, limited)
      select ${uid}, 'full-' || i, 'viewer', false ${fill}`.execute(database.query);
    const { status, browser } = await signIn({ claims: grace({ sub: 'l-1', email: 'late@example.com' }) });
    expect(status).toBe(303);
    expect((await browser.open('/auth/account')).text).toContain('late@example.com');
    const { records } = await root.listAuditRecords({ org: 'home', action: 'member.join', pageSize: 1 });
    expect(records).toMatchObject([
      { outcome: AuditOutcome.DENIED, details: { role: 'developer', reason: 'MEMBER_LIMIT' } },
    ]);
    await database.query.deleteFrom('member').where('subject_uid', 'like', 'full-%').execute();
  });

  test('lets nobody in whose account is disabled', async () => {
    await forgive();
    const { query } = site.fixture().database;
    await query.updateTable('subject').set({ delete_time: new Date() }).where('name', '=', 'Grace').execute();
    expect(await signIn({ claims: grace() })).toMatchObject({
      status: 403,
      text: expect.stringContaining('disabled'),
    });
    await query.updateTable('subject').set({ delete_time: null }).where('name', '=', 'Grace').execute();
  });

  test('makes one account of many first sign-ins at once', async () => {
    await forgive();
    const claims = grace({ sub: 'k-1', email: 'kay@example.com', name: 'Kay' });
    const all = await Promise.all(Array.from({ length: 5 }, () => signIn({ claims })));
    expect(all.map(({ status }) => status)).toEqual([303, 303, 303, 303, 303]);
  });
});
