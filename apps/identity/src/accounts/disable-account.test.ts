import { randomUUID } from 'node:crypto';
import { SignInMethod } from '@planton/api/identity/v1/account';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { startBadProvider } from '../testing/start-bad-provider.ts';
import { EMAIL, PASSWORD, type Tokens, useSite } from '../testing/use-site.ts';

const secret = { id: 'planton', secret: 'a secret of more than 32 characters, as keys of HMAC are' };
const provider = await startBadProvider(secret);
afterAll(() => void provider.stop());

describe.each(engines)('accounts on %s', (kind) => {
  const site = useSite(kind, {
    issuer: provider.issuer,
    clientId: secret.id,
    clientSecret: secret.secret,
    allowedDomains: [],
    defaultRole: 'viewer',
  });
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

  test('are listed page by page, with how each signs in', async () => {
    await site.signedIn();
    const { root } = site.fixture();
    const people = [await site.newPerson('zoe'), await site.newPerson('zoe'), await site.newPerson('yan')];
    const listed = [];
    for (let pageToken = ''; ; ) {
      const page = await root.listAccounts({ pageSize: 2, pageToken });
      expect(page.accounts.length).toBeLessThanOrEqual(2);
      listed.push(...page.accounts);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    const everything = (await root.listAccounts({ pageSize: 1000 })).accounts;
    expect(listed).toEqual(everything);
    expect(everything.map(({ name }) => name)).toEqual(everything.map(({ name }) => name).toSorted());
    for (const { uid, email } of people) {
      expect(everything.find((account) => account.uid === uid)).toMatchObject({
        email,
        signInMethods: [SignInMethod.PASSWORD],
        organizationCount: 1,
        instanceOwner: false,
      });
    }
    const mine = await root.listAccounts({ email: EMAIL.toUpperCase() });
    expect(mine.accounts).toMatchObject([{ name: 'Ada', email: EMAIL, instanceOwner: true }]);
    expect((await root.listAccounts({ email: 'no address' })).accounts).toEqual([]);
    const token = (await root.listAccounts({ pageSize: 1 })).nextPageToken;
    expect(await refusalOf(root.listAccounts({ pageToken: token, email: EMAIL }))).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
  });

  test('are the affair of the instance owner alone', async () => {
    const { newOrganization, newUser, clientWith } = site.fixture();
    const { uid } = await newOrganization();
    const { client, uid: other } = await newUser(uid, 'owner');
    const only = { kind: 'denied', reason: 'INSTANCE_OWNER_ONLY' };
    expect(await refusalOf(client.listAccounts({}))).toEqual(only);
    expect(await refusalOf(client.disableAccount({ uid: other }))).toEqual(only);
    expect(await refusalOf(client.enableAccount({ uid: other }))).toEqual(only);
    expect(await refusalOf(client.createPasswordLink({ uid: other }))).toEqual(only);
    expect(await refusalOf(clientWith().disableAccount({ uid: other }))).toMatchObject({
      kind: 'unauthenticated',
    });
  });

  test('that are disabled are out everywhere at once, and come back without their sign-ins', async () => {
    const { root, clientWith, identity } = site.fixture();
    const { browser, uid, email, org } = await site.newPerson();
    const grant = await site.newGrant(browser);
    const { key } = await clientWith(grant.access_token).createApiKey({ org, name: 'laptop' });
    const token = (await identity.port.exchange(key, org)).token;
    const code = await site.newCode(browser);
    await clientWith(key).listMembers({ org });

    const { account } = await root.disableAccount({ uid });
    expect(account).toMatchObject({ uid, email, organizationCount: 1 });
    expect(account?.disableTime).toBeDefined();
    await refresh();
    expect(await refusalOf(clientWith(token).listMembers({ org }))).toMatchObject({
      reason: 'TOKEN_REVOKED',
    });
    expect(await refusalOf(clientWith(key).listMembers({ org }))).toEqual({
      kind: 'unauthenticated',
      reason: 'API_KEY_INVALID',
    });
    expect(await refusalOf(clientWith(grant.access_token).whoAmI({}))).toMatchObject({
      reason: 'SESSION_INVALID',
    });
    expect((await browser.open('/auth/account')).headers.get('location')).toBe('/auth/sign-in');
    const refreshed = () => site.token({ grant_type: 'refresh_token', refresh_token: grant.refresh_token });
    expect((await refreshed()).status).toBe(400);
    const out = await signIn(email);
    const wrong = await signIn(email, 'not the password');
    const bare = ({ status, text }: typeof out) => [status, text.replace(/value="[\w-]{43}"/g, '')];
    expect(bare(out)).toEqual(bare(wrong));
    expect(out.status).toBe(401);
    expect((await root.disableAccount({ uid })).account?.disableTime).toEqual(account?.disableTime);

    expect((await root.enableAccount({ uid })).account?.disableTime).toBeUndefined();
    await root.enableAccount({ uid });
    expect((await browser.open('/auth/account')).headers.get('location')).toBe('/auth/sign-in');
    expect((await refreshed()).status).toBe(400);
    expect((await site.token(code)).status).toBe(400);
    expect(await refusalOf(clientWith(grant.access_token).whoAmI({}))).toMatchObject({
      reason: 'SESSION_INVALID',
    });
    expect((await clientWith(key).listMembers({ org })).members).toHaveLength(2);
    expect((await signIn(email)).status).toBe(303);
  });

  test('that are disabled make nothing to come back by with a token of the second before', async () => {
    const { root, clientWith, identity, newOrganization, newUser } = site.fixture();
    const { uid: organizationUid, slug: org } = await newOrganization();
    const { uid, key } = await newUser(organizationUid, 'admin');
    const client = clientWith((await identity.port.exchange(key, org)).token);
    await client.createApiKey({ org, name: 'before' });
    // The services learn of it with the next picture of the revocations alone.
    await root.disableAccount({ uid });
    expect(await refusalOf(client.createApiKey({ org, name: 'after' }))).toMatchObject({
      reason: 'SUBJECT_GONE',
    });
    const denied = { kind: 'denied', reason: 'PERMISSION_DENIED' };
    const email = 'back@example.com';
    expect(await refusalOf(client.createInvitation({ org, email, role: Role.ADMIN }))).toEqual(denied);
    expect(await refusalOf(client.createServiceAccount({ org, slug: 'x', role: Role.ADMIN }))).toEqual(
      denied,
    );
    expect(await refusalOf(client.createApiKey({ org, name: 'ci', role: Role.ADMIN }))).toEqual(denied);
  });

  test('that are disabled come back without what they have allowed on another device', async () => {
    const { root } = site.fixture();
    const { browser, uid } = await site.newPerson();
    const begun = await site.post('/auth/device_authorization', { client_id: 'planton-cli' });
    const { device_code, user_code } = begun.body as unknown as Record<string, string>;
    const page = await browser.open('/auth/device');
    const allowed = await browser.submit(page, '/auth/device', { user_code: user_code ?? '', answer: 'yes' });
    expect(allowed.text).toContain('Allowed');
    await root.disableAccount({ uid });
    await root.enableAccount({ uid });
    const polled = await site.token({
      grant_type: 'urn:ietf:params:oauth:grant-type:device_code',
      device_code: device_code ?? '',
    });
    expect(polled.body.error).toBe('access_denied');
  });

  test('that are disabled are refused with the OpenID provider too', async () => {
    const { root } = site.fixture();
    const claims = { sub: 'kay', email: 'kay@example.com', email_verified: true, name: 'Kay' };
    const enter = async () => {
      const browser = site.browse();
      const departed = (await browser.open('/auth/oidc/start')).headers.get('location') ?? '';
      const back = await browser.open(`/auth/oidc/callback?${provider.signIn(departed, { claims })}`);
      return { status: back.status, text: back.text };
    };
    expect((await enter()).status).toBe(303);
    const [kay] = (await root.listAccounts({ email: claims.email })).accounts;
    expect(kay?.signInMethods).toEqual([SignInMethod.OIDC]);
    await root.disableAccount({ uid: kay?.uid ?? '' });
    expect(await enter()).toMatchObject({ status: 403, text: expect.stringContaining('disabled') });
    await root.enableAccount({ uid: kay?.uid ?? '' });
    expect((await enter()).status).toBe(303);
  });

  test('no key that is exchanged while its person is disabled gives a token that is taken', async () => {
    const { root, identity, clientWith, newOrganization, newUser } = site.fixture();
    const { uid: organizationUid, slug } = await newOrganization();
    let [issued, refused] = [0, 0];
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
        if (token === undefined) refused++;
        else {
          issued++;
          expect(await refusalOf(clientWith(token).whoAmI({}))).toMatchObject({ reason: 'TOKEN_REVOKED' });
        }
      }
      expect(await exchange()).toBeUndefined();
    }
    expect(issued + refused).toBe(40);
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

  test('whom nobody knows, and service accounts, are no accounts', async () => {
    const { root } = site.fixture();
    const { slug: org } = await site.fixture().newOrganization();
    const { serviceAccount } = await root.createServiceAccount({ org, slug: 'ci', role: Role.VIEWER });
    for (const uid of [randomUUID(), serviceAccount?.uid ?? '', "'; drop table subject"])
      for (const call of [root.disableAccount, root.enableAccount, root.createPasswordLink])
        expect(await refusalOf(call({ uid }))).toEqual({ kind: 'missing', reason: 'ACCOUNT_NOT_FOUND' });
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

  test('are disabled on record: in the trail of the instance, and of every organisation that it concerns', async () => {
    const { root } = site.fixture();
    const { uid, name, email, org } = await site.newPerson();
    const second = await site.invite({ email });
    const { browser } = await signIn(email);
    await browser.submit(await browser.open(second.path), '/auth/invitation', {});
    await root.disableAccount({ uid });
    await root.disableAccount({ uid });
    await root.enableAccount({ uid });
    const records = await query()
      .selectFrom('audit_record')
      .selectAll()
      .where('resource_uid', '=', uid)
      .where('action', 'in', ['account.disable', 'account.enable'])
      .execute();
    const { organizations } = await root.listOrganizations({});
    const trails = [
      '',
      ...organizations.filter(({ slug }) => [org, second.org].includes(slug)).map((o) => o.uid),
    ];
    for (const action of ['account.disable', 'account.enable']) {
      const of = records.filter((record) => record.action === action);
      expect(of.map((record) => record.organization_uid).toSorted()).toEqual(trails.toSorted());
    }
    expect(records.every((record) => record.resource_slug === name && record.actor_uid !== uid)).toBe(true);
  });
});
