import { engines } from '@planton/database/testing';
import { beforeEach, describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { PASSWORD, type Tokens, useSite } from '../testing/use-site.ts';

describe.each(engines)('disabling while something is under way, on %s', (kind) => {
  const site = useSite(kind);
  const query = () => site.fixture().database.query;
  const refresh = () => site.fixture().guard.revocations.refresh();
  beforeEach(async () => {
    await refresh();
    await query().deleteFrom('sign_in_failure').execute();
  });
  const signIn = async (email: string, password = PASSWORD) => {
    const browser = site.browse();
    const page = await browser.open('/auth/sign-in');
    const done = await browser.submit(page, '/auth/sign-in', { email, password });
    return { browser, status: done.status, text: done.text };
  };

  test('no key that is exchanged while its person is disabled gives a token that is taken', async () => {
    const { root, identity, clientWith, newOrganization, newUser } = site.fixture();
    const { uid: organizationUid, slug } = await newOrganization();
    for (let round = 0; round < 8; round++) {
      const { uid, key } = await newUser(organizationUid, 'viewer');
      const exchange = () =>
        identity.port.exchange(key, slug).then(
          ({ token }) => token,
          () => undefined,
        );
      const tries = [exchange(), exchange(), exchange()];
      const [tokens] = await Promise.all([
        Promise.all([...tries, exchange(), exchange()]),
        root.disableAccount({ uid }),
      ]);
      await refresh();
      for (const token of tokens) {
        if (token === undefined) continue;
        expect(await refusalOf(clientWith(token).whoAmI({}))).toMatchObject({ reason: 'TOKEN_REVOKED' });
      }
      expect(await exchange()).toBeUndefined();
    }
  });

  test('no sign-in that is under way outlives the disabling', async () => {
    const { root } = site.fixture();
    for (let round = 0; round < 4; round++) {
      const { uid, email, browser } = await site.newPerson();
      await query().deleteFrom('sign_in_failure').execute();
      const [entered, code] = await Promise.all([
        signIn(email),
        site.newCode(browser).catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, 40 * round)).then(() => root.disableAccount({ uid })),
      ]);
      await root.enableAccount({ uid });
      const account = await entered.browser.open('/auth/account');
      expect([entered.status, account.headers.get('location')]).not.toEqual([303, null]);
      if (code) expect((await site.token(code)).status).toBe(400);
    }
  });

  test('everything at once ends well: nothing breaks down, and nothing is left open', async () => {
    const { root, clientWith } = site.fixture();
    const { browser, uid } = await site.newPerson();
    const page = await browser.open('/auth/device');
    const grants: Tokens[] = [];
    const approve = async () => {
      const begun = await site.post('/auth/device_authorization', { client_id: 'planton-cli' });
      const { device_code = '', user_code = '' } = begun.body as unknown as Record<string, string>;
      const answered = await browser.submit(page, '/auth/device', { user_code, answer: 'yes' });
      const polled = await site.token({
        grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
        device_code,
      });
      if (polled.status === 200) grants.push(polled.body);
      return [answered.status, polled.status];
    };
    const authorize = async () => {
      const code = await site.newCode(browser).catch(() => undefined);
      const given = code && (await site.token(code));
      if (given?.status === 200) grants.push(given.body);
      return [given?.status ?? 200];
    };
    const refreshAll = () =>
      Promise.all(
        grants.map(async ({ refresh_token }) => {
          const next = await site.token({ grant_type: 'refresh_token', refresh_token });
          if (next.status === 200) grants.push(next.body);
          return next.status;
        }),
      );
    const [statuses] = await Promise.all([
      Promise.all([
        ...Array.from({ length: 6 }, approve),
        ...Array.from({ length: 6 }, authorize),
        refreshAll(),
      ]),
      root.disableAccount({ uid }),
      root.enableAccount({ uid }),
      root.createPasswordLink({ uid }).catch(() => undefined),
      root.disableAccount({ uid }),
    ]);
    await root.disableAccount({ uid });
    expect(statuses.flat().filter((status) => status >= 500)).toEqual([]);
    await root.enableAccount({ uid });
    await refresh();
    for (const { access_token } of grants)
      expect(await refusalOf(clientWith(access_token).whoAmI({}))).toMatchObject({
        reason: 'SESSION_INVALID',
      });
    const open = await query()
      .selectFrom('session_grant')
      .select('uid')
      .where('subject_uid', '=', uid)
      .where('revoke_time', 'is', null)
      .execute();
    expect(open).toEqual([]);
  });
});
