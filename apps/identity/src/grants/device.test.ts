import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { type Tokens, useSite } from '../testing/use-site.ts';
import { DEVICE_GRANT } from './poll-device.ts';

interface Begun extends Tokens {
  readonly device_code: string;
  readonly user_code: string;
  readonly verification_uri: string;
}

describe.each(engines)('sign-in by a code on %s', (kind) => {
  const site = useSite(kind);
  const { signedIn } = site;
  const begin = async () => {
    const words = { client_id: 'planton-cli', label: 'planton on server-7' };
    return (await site.post('/auth/device_authorization', words)).body as Begun;
  };
  const poll = (device_code: string) => site.token({ grant_type: DEVICE_GRANT, device_code });
  /** As if the pause between two questions had passed. */
  const wait = () =>
    site.fixture().database.query.updateTable('device_request').set({ poll_time: null }).execute();
  const forgive = () => site.fixture().database.query.deleteFrom('sign_in_failure').execute();
  const error = (code: string) => ({ status: 400, body: { error: code } });

  test('lets the program in that showed the code, once', async () => {
    const { device_code, user_code, verification_uri } = await begin();
    expect(verification_uri).toBe('http://127.0.0.1:8080/auth/device');
    expect(await poll(device_code)).toMatchObject(error('authorization_pending'));
    const browser = await signedIn();
    const typed = await browser.submit(await browser.open('/auth/device'), '/auth/device', {
      user_code: user_code.toLowerCase().replace('-', ' '),
    });
    expect(typed.text).toContain('planton on server-7');
    expect(typed.text).toContain('127.0.0.1');
    const allowed = await browser.submit(typed, '/auth/device', { answer: 'yes' });
    expect([allowed.status, allowed.text]).toEqual([200, expect.stringContaining('Allowed')]);
    await wait();
    const { status, body } = await poll(device_code);
    expect(status).toBe(200);
    expect(await site.fixture().clientWith(body.access_token).whoAmI({})).toMatchObject({ name: 'Ada' });
    await wait();
    expect(await poll(device_code)).toMatchObject(error('invalid_grant'));
    expect((await browser.submit(typed, '/auth/device', { answer: 'yes' })).status).toBe(404);
  });

  test('is put off when it asks too soon, for longer and longer', async () => {
    const { device_code } = await begin();
    expect(await poll(device_code)).toMatchObject(error('authorization_pending'));
    expect(await poll(device_code)).toMatchObject(error('slow_down'));
    const { query } = site.fixture().database;
    const seven = sql<Date>`clock_timestamp() - interval '7 seconds'`;
    await query.updateTable('device_request').set({ poll_time: seven }).execute();
    expect(await poll(device_code)).toMatchObject(error('slow_down'));
    await wait();
    expect(await poll(device_code)).toMatchObject(error('authorization_pending'));
  });

  test('ends by a no, by age, and with the person', async () => {
    const browser = await signedIn();
    const answer = async (user_code: string, said: string) => {
      const page = await browser.open('/auth/device');
      return browser.submit(page, '/auth/device', { user_code, answer: said });
    };
    const refused = await begin();
    expect((await answer(refused.user_code, 'no')).status).toBe(200);
    expect(await poll(refused.device_code)).toMatchObject(error('access_denied'));
    const { query } = site.fixture().database;
    const old = await begin();
    await query.updateTable('device_request').set({ expire_time: sql<Date>`now()` }).execute();
    expect(await poll(old.device_code)).toMatchObject(error('expired_token'));
    expect((await answer(old.user_code, 'yes')).status).toBe(404);
    const late = await begin();
    expect((await answer(late.user_code, 'yes')).status).toBe(200);
    const disable = (time: Date | null) =>
      query.updateTable('subject').set({ delete_time: time }).where('instance_owner', '=', true).execute();
    await disable(new Date());
    expect(await poll(late.device_code)).toMatchObject(error('access_denied'));
    await disable(null);
  });

  test('is not guessed: few codes are looked at, also the right one is not then', async () => {
    const { user_code, device_code } = await begin();
    const browser = await signedIn();
    await forgive();
    const page = await browser.open('/auth/device');
    const guess = async (code: string) =>
      (await browser.submit(page, '/auth/device', { user_code: code })).status;
    const guesses = await Promise.all(
      Array.from({ length: 10 }, (_, n) => guess(`BCDF-GHJ${'BCDFGHJKLM'[n]}`)),
    );
    expect(guesses.filter((status) => status === 404)).toHaveLength(6);
    expect(guesses.filter((status) => status === 429)).toHaveLength(4);
    const { query } = site.fixture().database;
    await query
      .updateTable('sign_in_failure')
      .set({ blocked_until: new Date(Date.now() + 60_000) })
      .execute();
    expect(await guess(user_code)).toBe(429);
    await forgive();
    expect(await guess(user_code)).toBe(200);
    expect(await poll(device_code)).toMatchObject(error('authorization_pending'));
    expect(await poll('A'.repeat(43))).toMatchObject(error('invalid_grant'));
  });

  test('a link fills the code in and answers nothing, and neither does a form from elsewhere', async () => {
    const { user_code, device_code } = await begin();
    const stranger = site.browse();
    const asked = await stranger.open(`/auth/device?user_code=${user_code}`);
    expect(asked.text).toContain('>Sign in</h1>');
    const browser = await signedIn();
    const filled = await browser.open(`/auth/device?user_code=${user_code}&answer=yes`);
    expect(filled.text).toContain(`value="${user_code}"`);
    const forged = await browser.submit(filled, '/auth/device', {
      user_code,
      answer: 'yes',
      form_token: 'x',
    });
    expect(forged.status).toBe(403);
    expect(await poll(device_code)).toMatchObject(error('authorization_pending'));
  });

  test('so many wait at a time', async () => {
    await site.fixture().database.query.deleteFrom('device_request').execute();
    const all = await Promise.all(Array.from({ length: 25 }, begin));
    const begun = all.filter(({ device_code }) => device_code !== undefined);
    expect(begun.length).toBeGreaterThanOrEqual(20);
    expect((await begin()).error).toBe('temporarily_unavailable');
    const codes = begun.map(({ user_code }) => user_code);
    expect(new Set(codes).size).toBe(codes.length);
    await site.fixture().database.query.deleteFrom('device_request').execute();
    const { device_code } = await begin();
    expect(await refusalOf(site.fixture().clientWith(device_code).whoAmI({}))).toMatchObject({
      kind: 'unauthenticated',
    });
  });
});
