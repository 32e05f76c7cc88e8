import { engines } from '@planton/database/testing';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { authorizationWords, type Browser } from '../testing/browse.ts';
import { refusalOf } from '../testing/open-fixture.ts';
import { type Tokens, useSite } from '../testing/use-site.ts';

describe.each(engines)('grants of sessions on %s', (kind) => {
  const site = useSite(kind);
  const { token, newCode, newGrant, signedIn } = site;
  const me = async (credential: string) => {
    await site.fixture().guard.revocations.refresh();
    return site.fixture().clientWith(credential).whoAmI({});
  };
  const refresh = (refresh_token: string) => token({ grant_type: 'refresh_token', refresh_token });
  const ended = { kind: 'unauthenticated', reason: 'SESSION_INVALID' };
  const refused = { status: 400, body: { error: 'invalid_grant' } };
  const authorize = (browser: Browser, change: Record<string, string>) =>
    browser.open(`/auth/authorize?${new URLSearchParams({ ...authorizationWords().words, ...change })}`);

  test('let a program act for the person, in the organisation that a request names', async () => {
    const browser = await signedIn();
    const { uid, slug: org } = await site.fixture().newOrganization();
    const { status, headers, body } = await token(await newCode(browser));
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      access_token: expect.stringMatching(/^planton_session_[\w-]{43}$/),
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: expect.stringMatching(/^planton_refresh_[\w-]{43}$/),
    });
    expect(await me(body.access_token)).toMatchObject({ name: 'Ada', instanceOwner: true });
    expect(
      (await site.fixture().clientWith(body.access_token).listEnvironments({ org })).environments,
    ).toEqual([]);
    const { accessToken } = await site
      .fixture()
      .clientWith()
      .exchangeToken({ apiKey: body.access_token, org });
    expect(decodeJwt(accessToken)).toMatchObject({ org: { uid, role: 'owner' }, key: expect.any(String) });
    expect(await refusalOf(site.fixture().clientWith(body.refresh_token).whoAmI({}))).toMatchObject({
      kind: 'unauthenticated',
    });
    const { query } = site.fixture().database;
    const everything = JSON.stringify([
      await query.selectFrom('session_access').selectAll().execute(),
      await query.selectFrom('session_refresh').selectAll().execute(),
      await query.selectFrom('authorization_code').selectAll().execute(),
      await query.selectFrom('audit_record').selectAll().execute(),
    ]);
    expect(everything).toContain('session_grant.create');
    expect(everything).not.toContain(body.access_token.slice(20));
  });

  test('ask the person first, who may say no', async () => {
    const browser = await signedIn();
    const { words } = authorizationWords();
    const page = await browser.open(`/auth/authorize?${new URLSearchParams(words)}`);
    expect(page.headers.get('content-security-policy')).toContain(
      "form-action 'self' http://127.0.0.1:45678;",
    );
    expect(page.text).toContain('planton on laptop');
    const no = await browser.submit(page, '/auth/authorize', { answer: 'no' });
    const told = new URL(no.headers.get('location') ?? '');
    expect(told.origin + told.pathname).toBe(words.redirect_uri);
    expect(Object.fromEntries(told.searchParams)).toEqual({
      error: 'access_denied',
      state: words.state,
      iss: 'http://127.0.0.1:8080',
    });
    const stranger = site.browse();
    expect((await stranger.open(`/auth/authorize?${new URLSearchParams(words)}`)).text).toContain(
      '>Sign in</h1>',
    );
    const forged = await browser.submit(
      page,
      '/auth/authorize',
      { answer: 'yes' },
      { origin: 'https://evil.example' },
    );
    expect(forged.status).toBe(403);
  });

  test.each([
    ['https://evil.example/callback'],
    ['http://127.0.0.1:45678/callback/../x'],
    ['http://127.0.0.1:45678/callback?x=1'],
    ['http://127.0.0.1:45678@evil.example/callback'],
    ['http://localhost:45678/callback'],
    ['http://127.0.0.1:80/callback'],
    ['http://127.0.0.1:99999/callback'],
    ['javascript:alert(1)'],
  ])('lead nobody to %s', async (redirect_uri) => {
    const answer = await authorize(await signedIn(), { redirect_uri });
    expect([answer.status, answer.headers.get('location')]).toEqual([400, null]);
  });

  test.each([
    [{ code_challenge_method: 'plain' }, 'invalid_request'],
    [{ code_challenge: '' }, 'invalid_request'],
    [{ state: 'short' }, 'invalid_request'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
  ])('refuse %j', async (change, error) => {
    const { headers } = await authorize(await signedIn(), change as Record<string, string>);
    expect(new URL(headers.get('location') ?? '').searchParams.get('error')).toBe(error);
  });

  test('refuse another client', async () => {
    expect((await authorize(await signedIn(), { client_id: 'other' })).status).toBe(400);
    expect(await token({ ...(await newCode(await signedIn())), client_id: 'other' })).toMatchObject({
      status: 401,
    });
  });

  test.each([
    ['another verifier', { code_verifier: 'x'.repeat(43) }],
    ['no verifier', { code_verifier: '' }],
    ['another redirect', { redirect_uri: 'http://127.0.0.1:45679/callback' }],
  ])('refuse a code with %s, which uses it up', async (_what, change) => {
    const code = await newCode(await signedIn());
    expect(await token({ ...code, ...change })).toMatchObject(refused);
    expect(await token(code)).toMatchObject(refused);
  });

  test('refuse a code that is old or made up', async () => {
    const code = await newCode(await signedIn());
    expect(await token({ ...code, code: 'A'.repeat(43) })).toMatchObject(refused);
    const { query } = site.fixture().database;
    await query.updateTable('authorization_code').set({ expire_time: sql<Date>`now()` }).execute();
    expect(await token(code)).toMatchObject(refused);
  });

  test('end when their code comes again', async () => {
    const code = await newCode(await signedIn());
    const { body } = await token(code);
    await me(body.access_token);
    expect(await token(code)).toMatchObject(refused);
    expect(await refusalOf(me(body.access_token))).toEqual(ended);
    expect(await refresh(body.refresh_token)).toMatchObject(refused);
  });

  test('go on by refreshing, and the access before still ends calls under way', async () => {
    const first = await newGrant(await signedIn());
    const { status, body: second } = await refresh(first.refresh_token);
    expect(status).toBe(200);
    expect(second.access_token).not.toBe(first.access_token);
    await me(first.access_token);
    await me(second.access_token);
  });

  test('end when a refresh credential comes twice, whoever of the two was first', async () => {
    const first = await newGrant(await signedIn());
    const { body: second } = await refresh(first.refresh_token);
    await me(second.access_token);
    expect(await refresh(first.refresh_token)).toMatchObject(refused);
    expect(await refusalOf(me(second.access_token))).toEqual(ended);
    expect(await refresh(second.refresh_token)).toMatchObject(refused);
    const other = await newGrant(await signedIn());
    const both = await Promise.all([refresh(other.refresh_token), refresh(other.refresh_token)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400]);
    expect(await refusalOf(me(other.access_token))).toEqual(ended);
  });

  test.each(['access_token', 'refresh_token'] as const)('end by their %s', async (which) => {
    const grant: Tokens = await newGrant(await signedIn());
    await me(grant.access_token);
    const revoke = (text: string) => site.post('/auth/revoke', { client_id: 'planton-cli', token: text });
    expect((await revoke('planton_session_unknown')).status).toBe(200);
    expect((await revoke(grant[which])).status).toBe(200);
    expect(await refusalOf(me(grant.access_token))).toEqual(ended);
    expect(await refresh(grant.refresh_token)).toMatchObject(refused);
    expect((await revoke(grant[which])).status).toBe(200);
  });

  test('end by age, and with their person', async () => {
    const { query } = site.fixture().database;
    const browser = await signedIn();
    const grant = await newGrant(browser);
    await query.updateTable('session_access').set({ expire_time: sql<Date>`now()` }).execute();
    expect(await refusalOf(me(grant.access_token))).toEqual(ended);
    const { body } = await refresh(grant.refresh_token);
    await query
      .updateTable('session_refresh')
      .set({ create_time: sql<Date>`now() - interval '31 days'` })
      .execute();
    expect(await refresh(body.refresh_token)).toMatchObject(refused);
    const old = await newGrant(browser);
    await query.updateTable('session_grant').set({ expire_time: sql<Date>`now()` }).execute();
    expect(await refresh(old.refresh_token)).toMatchObject(refused);
    expect(await refusalOf(me(old.access_token))).toEqual(ended);
    const last = await newGrant(browser);
    const disable = (time: Date | null) =>
      query.updateTable('subject').set({ delete_time: time }).where('instance_owner', '=', true).execute();
    await disable(new Date());
    expect(await refresh(last.refresh_token)).toMatchObject(refused);
    expect(await refusalOf(site.fixture().clientWith(last.access_token).whoAmI({}))).toEqual(ended);
    expect((await browser.open('/auth/account')).status).toBe(303);
    await disable(null);
  });

  test('are found by what the server says that it offers', async () => {
    const answered = await fetch(`${site.url()}/.well-known/oauth-authorization-server`);
    const document = (await answered.json()) as Record<string, string>;
    expect(document).toMatchObject({
      issuer: 'http://127.0.0.1:8080',
      code_challenge_methods_supported: ['S256'],
    });
    for (const name of ['token_endpoint', 'revocation_endpoint', 'authorization_endpoint']) {
      const { pathname } = new URL(document[name] ?? '');
      const answer = await fetch(site.url() + pathname, { method: name.startsWith('auth') ? 'GET' : 'POST' });
      expect(answer.status).not.toBe(404);
    }
  });
});
