import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { EMAIL, PASSWORD, useSite } from '../testing/use-site.ts';

const given = { name: 'Ada', email: EMAIL, password: PASSWORD, again: PASSWORD };

describe.each(engines)('the link of the owner on %s', (kind) => {
  const site = useSite(kind);

  test('sets up the account once, signs the browser in, and goes with its file', async () => {
    const browser = site.browse();
    const link = await site.newOwnerLink();
    const file = join(site.fixture().folder, 'owner-setup-link');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const page = await browser.open(link);
    expect(page.status).toBe(200);
    expect((await site.browse().open(link)).status).toBe(200);
    const done = await browser.submit(page, '/auth/owner', given);
    expect([done.status, done.headers.get('location')]).toEqual([303, '/auth/account']);
    expect((await browser.open('/auth/account')).text).toContain(EMAIL);
    expect(existsSync(file)).toBe(false);
    expect((await site.browse().open(link)).status).toBe(410);
    expect((await browser.submit(page, '/auth/owner', given)).status).toBe(403);
    expect(await site.fixture().root.whoAmI({})).toMatchObject({ name: 'Ada', instanceOwner: true });
  });

  test('is worth nothing when it is old, cut short, made up or taken back', async () => {
    const old = await site.newOwnerLink(Date.now() - 25 * 3600_000);
    expect((await site.browse().open(old)).status).toBe(410);
    const link = await site.newOwnerLink();
    const later = link.replace(/token=\d+/, (text) => `${text.slice(0, -1)}9`);
    for (const forged of [link.slice(0, -1), later, `${link}x`, link.replace(/\.(.)/, '.-')]) {
      if (forged !== link) expect([forged, (await site.browse().open(forged)).status]).toEqual([forged, 410]);
    }
    await site.newOwnerLink();
    expect((await site.browse().open(link)).status).toBe(410);
  });

  test('is used by one of many that use it at once', async () => {
    const link = await site.newOwnerLink();
    const tries = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const browser = site.browse();
        return (await browser.submit(await browser.open(link), '/auth/owner', given)).status;
      }),
    );
    expect(tries.sort()).toEqual([303, 410, 410, 410]);
  });

  test.each([
    ['a short password', { password: 'short', again: 'short' }, 'at least 12'],
    ['two passwords', { again: `${PASSWORD}!` }, 'differ'],
    ['no name', { name: ' \u202e ' }, 'name'],
    ['no address', { email: 'ada' }, 'e-mail'],
  ])('is not used up by %s', async (_what, wrong, why) => {
    const browser = site.browse();
    const page = await browser.open(await site.newOwnerLink());
    const refused = await browser.submit(page, '/auth/owner', { ...given, ...wrong });
    expect([refused.status, refused.text]).toEqual([400, expect.stringContaining(why)]);
    expect(refused.text).not.toContain(PASSWORD);
    expect((await browser.submit(page, '/auth/owner', given)).status).toBe(303);
  });

  test('with a new password ends what the one before opened', async () => {
    const before = await site.signedIn();
    const { access_token } = await site.newGrant(before);
    await site.fixture().clientWith(access_token).whoAmI({});
    await site.signedIn();
    expect((await before.open('/auth/account')).headers.get('location')).toBe('/auth/sign-in');
    await site.fixture().guard.revocations.refresh();
    expect(await refusalOf(site.fixture().clientWith(access_token).whoAmI({}))).toEqual({
      kind: 'unauthenticated',
      reason: 'SESSION_INVALID',
    });
  });
});
