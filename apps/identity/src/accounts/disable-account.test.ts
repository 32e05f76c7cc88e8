import { SignInMethod } from '@planton/api/identity/v1/account';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { startBadProvider } from '../testing/start-bad-provider.ts';
import { PASSWORD, useSite } from '../testing/use-site.ts';

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
