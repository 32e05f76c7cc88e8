import { engines } from '@planton/database/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { ISSUER, refusalOf } from '../testing/open-fixture.ts';
import { useSite } from '../testing/use-site.ts';

const fresh = 'another horse battery staple';
const given = { password: fresh, again: fresh };

describe.each(engines)('links for a new password on %s', (kind) => {
  const site = useSite(kind);
  const query = () => site.fixture().database.query;
  beforeEach(() => site.fixture().guard.revocations.refresh());
  const newLink = async (uid: string) => {
    const { link } = await site.fixture().root.createPasswordLink({ uid });
    return link.slice(ISSUER.length);
  };

  test('set it once, sign the browser in, and end what the account had signed in to', async () => {
    const { browser, uid, email, org } = await site.newPerson();
    const { clientWith, guard, root } = site.fixture();
    const grant = await site.newGrant(browser);
    const { key } = await clientWith(grant.access_token).createApiKey({ org, name: 'laptop' });
    const { link, expireTime, account } = await root.createPasswordLink({ uid });
    expect(link).toMatch(new RegExp(`^${ISSUER}/auth/password\\?token=[\\w-]{43}$`));
    expect(account).toMatchObject({ uid, email });
    const lifetime = Number(expireTime?.seconds ?? 0n) * 1000 - Date.now();
    expect(Math.abs(lifetime - 24 * 3600_000)).toBeLessThan(60_000);
    const path = link.slice(ISSUER.length);
    const other = site.browse();
    const page = await other.open(path);
    expect(page.text).toContain(email);
    expect((await browser.open('/auth/account')).status).toBe(200);
    const done = await other.submit(page, '/auth/password', given);
    expect([done.status, done.headers.get('location')]).toEqual([303, '/auth/account']);
    expect((await other.open('/auth/account')).text).toContain(email);
    expect((await browser.open('/auth/account')).headers.get('location')).toBe('/auth/sign-in');
    await guard.revocations.refresh();
    expect(await refusalOf(clientWith(grant.access_token).whoAmI({}))).toMatchObject({
      reason: 'SESSION_INVALID',
    });
    expect(await clientWith(key).whoAmI({})).toMatchObject({ email });
    expect((await site.browse().open(path)).status).toBe(410);
    const again = site.browse();
    const words = { email, password: fresh };
    expect((await again.submit(await again.open('/auth/sign-in'), '/auth/sign-in', words)).status).toBe(303);
    const stored = [
      await query().selectFrom('audit_record').selectAll().execute(),
      await query().selectFrom('password_link').selectAll().execute(),
    ];
    expect(JSON.stringify(stored)).not.toContain(path.slice(-43));
    const actions = (await query().selectFrom('audit_record').select('action').execute()).map(
      ({ action }) => action,
    );
    expect(actions).toEqual(expect.arrayContaining(['account.create_password_link', 'account.set_password']));
  });

  test('are worth nothing when another was made, the account was disabled, or they are old or cut short', async () => {
    const { uid } = await site.newPerson();
    const { root } = site.fixture();
    const statusOf = async (path: string) => (await site.browse().open(path)).status;
    const first = await newLink(uid);
    const second = await newLink(uid);
    expect([await statusOf(first), await statusOf(second)]).toEqual([410, 200]);
    for (const forged of [second.slice(0, -1), `${second}x`, '/auth/password', `/auth/password?token=`])
      expect([forged, await statusOf(forged)]).toEqual([forged, 410]);
    expect(await statusOf(`${second}&token=x`)).toBe(400);
    await root.disableAccount({ uid });
    expect(await statusOf(second)).toBe(410);
    expect(await refusalOf(root.createPasswordLink({ uid }))).toEqual({
      kind: 'state',
      reason: 'ACCOUNT_DISABLED',
    });
    await root.enableAccount({ uid });
    expect(await statusOf(second)).toBe(410);
    const third = await newLink(uid);
    await query()
      .updateTable('password_link')
      .set({ expire_time: new Date(0) })
      .where('subject_uid', '=', uid)
      .execute();
    expect(await statusOf(third)).toBe(410);
  });

  test('are used by one of many that use them at once', async () => {
    const { uid } = await site.newPerson();
    const path = await newLink(uid);
    const tries = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const browser = site.browse();
        return (await browser.submit(await browser.open(path), '/auth/password', given)).status;
      }),
    );
    expect(tries.sort()).toEqual([303, 410, 410, 410]);
  });

  test.each([
    ['a short password', { password: 'short', again: 'short' }, 'at least 12'],
    ['two passwords', { again: `${fresh}!` }, 'differ'],
  ])('are not used up by %s', async (_what, wrong, why) => {
    const { uid } = await site.newPerson();
    const browser = site.browse();
    const page = await browser.open(await newLink(uid));
    const refused = await browser.submit(page, '/auth/password', { ...given, ...wrong });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(why)]);
    expect(refused.text).not.toContain(fresh);
    expect((await browser.submit(page, '/auth/password', given)).status).toBe(303);
  });

  test('take no form of another site or browser', async () => {
    const { uid } = await site.newPerson();
    const browser = site.browse();
    const page = await browser.open(await newLink(uid));
    const evil = { origin: 'https://evil.example' };
    expect((await browser.submit(page, '/auth/password', given, evil)).status).toBe(403);
    expect((await site.browse().submit(page, '/auth/password', given)).status).toBe(403);
    expect((await browser.submit(page, '/auth/password', given)).status).toBe(303);
  });

  test('are not for who has no address yet', async () => {
    const { root } = site.fixture();
    const { subjectUid: uid } = await root.whoAmI({});
    expect(await refusalOf(root.createPasswordLink({ uid }))).toEqual({
      kind: 'state',
      reason: 'ACCOUNT_WITHOUT_EMAIL',
    });
  });
});
