import { engines } from '@planton/database/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EMAIL, PASSWORD, useSite } from '../testing/use-site.ts';
import { readContinue } from './serve-sign-in.ts';

describe.each(engines)('sign-in on %s', (kind) => {
  const site = useSite(kind);
  const forgive = () => site.fixture().database.query.deleteFrom('sign_in_failure').execute();

  test('gives the browser a cookie that scripts cannot read, and pages that load nothing', async () => {
    await site.signedIn();
    const browser = site.browse();
    const page = await browser.open('/auth/sign-in');
    expect(page.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-\S+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
    );
    expect(page.headers.get('cache-control')).toBe('no-store');
    const done = await browser.submit(page, '/auth/sign-in', {
      email: ` ${EMAIL.toUpperCase()}`,
      password: PASSWORD,
    });
    expect([done.status, done.headers.get('location')]).toEqual([303, '/auth/account']);
    const cookie = done.headers.getSetCookie().find((line) => line.startsWith('planton-session='));
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=43200$/);
    const stored = await site.fixture().database.query.selectFrom('session').select('token').execute();
    expect(stored.length).toBeGreaterThan(0);
    expect(JSON.stringify(stored)).not.toContain(browser.cookies.get('planton-session'));
  });

  test('says the same of a wrong password and of an account that is none', async () => {
    await site.signedIn();
    await forgive();
    const answers = [];
    for (const email of [EMAIL, 'nobody@example.com']) {
      const browser = site.browse();
      const page = await browser.open('/auth/sign-in');
      const { status, text } = await browser.submit(page, '/auth/sign-in', {
        email,
        password: 'not the password',
      });
      answers.push([status, text.replaceAll(email, '').replace(/value="[\w-]{43}"/g, '')]);
    }
    expect(answers[0]).toEqual(answers[1]);
    expect(answers[0]?.[0]).toBe(401);
  });

  test('is put off after mistakes, however many come at once, also with the right password', async () => {
    await site.signedIn();
    await forgive();
    const browser = site.browse();
    const page = await browser.open('/auth/sign-in');
    const attempt = (password: string) => browser.submit(page, '/auth/sign-in', { email: EMAIL, password });
    const tries = await Promise.all(Array.from({ length: 12 }, (_, n) => attempt(`wrong password ${n}`)));
    const statuses = tries.map(({ status }) => status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(6);
    expect(statuses.filter((status) => status === 429)).toHaveLength(6);
    const { query } = site.fixture().database;
    await query
      .updateTable('sign_in_failure')
      .set({ blocked_until: new Date(Date.now() + 60_000) })
      .execute();
    const put = await attempt(PASSWORD);
    expect([put.status, put.text]).toEqual([429, expect.stringContaining('Too many attempts')]);
    await query
      .updateTable('sign_in_failure')
      .set({ blocked_until: new Date(0) })
      .execute();
    expect((await attempt(PASSWORD)).status).toBe(303);
  });

  test('takes no form of another site, browser or sign-in', async () => {
    const signedIn = await site.signedIn();
    await forgive();
    const words = { email: EMAIL, password: PASSWORD };
    const browser = site.browse();
    const page = await browser.open('/auth/sign-in');
    const stranger = site.browse();
    const theirs = await stranger.open('/auth/sign-in');
    const statusOf = async (sent: Promise<{ status: number }>) => (await sent).status;
    const send = (headers: Record<string, string>) =>
      statusOf(browser.submit(page, '/auth/sign-in', words, headers));
    expect(await send({ origin: 'https://evil.example' })).toBe(403);
    expect(await send({ origin: 'null' })).toBe(403);
    expect(await send({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    expect(await statusOf(browser.submit(theirs, '/auth/sign-in', words))).toBe(403);
    expect(await statusOf(browser.submit(page, '/auth/sign-in', { ...words, form_token: '' }))).toBe(403);
    expect(await statusOf(site.browse().submit(page, '/auth/sign-in', words))).toBe(403);
    expect(await statusOf(signedIn.submit(page, '/auth/sign-out', {}))).toBe(403);
    expect((await signedIn.open('/auth/account')).status).toBe(200);
    expect(await send({})).toBe(303);
  });

  test('takes up no cookie that somebody put there', async () => {
    await site.signedIn();
    await forgive();
    const browser = site.browse();
    browser.cookies.set('planton-session', 'A'.repeat(43));
    const page = await browser.open('/auth/sign-in');
    expect((await browser.submit(page, '/auth/sign-in', { email: EMAIL, password: PASSWORD })).status).toBe(
      303,
    );
    expect(browser.cookies.get('planton-session')).toMatch(/^(?!A{43})[\w-]{43}$/);
    const victim = site.browse();
    victim.cookies.set('planton-session', 'A'.repeat(43));
    expect((await victim.open('/auth/account')).status).toBe(303);
  });

  test('ends with the sign-out, also for a copy of the cookie', async () => {
    const browser = await site.signedIn();
    const copy = site.browse();
    for (const [name, value] of browser.cookies) copy.cookies.set(name, value);
    const page = await browser.open('/auth/account');
    const out = await browser.submit(page, '/auth/sign-out', { continue: 'https://evil.example/' });
    expect([out.status, out.headers.get('location')]).toEqual([303, '/auth/account']);
    expect(browser.cookies.has('planton-session')).toBe(false);
    expect((await copy.open('/auth/account')).headers.get('location')).toBe('/auth/sign-in');
  });

  test('shows what people type as text', async () => {
    const browser = site.browse();
    const page = await browser.open('/auth/sign-in');
    const email = '"><script>alert(1)</script>@x';
    const shown = await browser.submit(page, '/auth/sign-in', { email, password: 'x' });
    expect(shown.text).not.toContain('<script');
    expect(shown.text).toContain('&#60;script&#62;');
  });

  test.each([
    ['too large', 'a='.padEnd(20_000, 'x'), 'application/x-www-form-urlencoded', 413],
    ['of another type', '{}', 'application/json', 415],
    ['that says a thing twice', 'email=a&email=b', 'application/x-www-form-urlencoded', 400],
  ])('refuses a form %s', async (_what, body, type, status) => {
    const response = await fetch(`${site.url()}/auth/sign-in`, {
      method: 'POST',
      body,
      headers: { 'content-type': type },
    });
    expect(response.status).toBe(status);
  });
});

test('a sign-in leads to pages of ours alone', () => {
  expect(readContinue('/auth/authorize?a=b')).toBe('/auth/authorize?a=b');
  expect(readContinue('/auth/invitation')).toBe('/auth/invitation');
  for (const text of [
    '//evil.example/auth/device',
    '/\\evil.example',
    'https://evil.example',
    '/auth/device/..//evil.example',
    '/auth/device\n',
    '',
    undefined,
  ])
    expect(readContinue(text)).toBe('/auth/account');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.webUrl(),
        fc.string().map((text) => `/auth/device${text}`),
      ),
      (text) => {
        const to = new URL(readContinue(text), 'http://here.test');
        expect(to.origin).toBe('http://here.test');
        expect(['/auth/authorize', '/auth/device', '/auth/invitation', '/auth/account']).toContain(
          to.pathname,
        );
      },
    ),
  );
});
