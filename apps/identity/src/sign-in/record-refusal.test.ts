import { AuditOutcome } from '@planton/api/common/v1/audit';
import { engines } from '@planton/database/testing';
import { DefaultQueryExecutor, sql } from 'kysely';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { startBadProvider } from '../testing/start-bad-provider.ts';
import { EMAIL, PASSWORD, useSite } from '../testing/use-site.ts';

const client = { id: 'planton', secret: 'a secret of more than 32 characters, as keys of HMAC are' };
const provider = await startBadProvider(client);
afterAll(() => void provider.stop());

describe.each(engines)('what is on record of refused sign-ins on %s', (kind) => {
  const site = useSite(kind, {
    issuer: provider.issuer,
    clientId: client.id,
    clientSecret: client.secret,
    allowedDomains: ['example.com'],
    defaultRole: 'viewer',
  });
  const query = () => site.fixture().database.query;
  const forgive = () => query().deleteFrom('sign_in_failure').execute();
  /** An organisation in which the instance's owner may read trails. */
  let org = '';
  const ada = async () => {
    const browser = await site.signedIn();
    await forgive();
    if (org === '') org = (await site.fixture().newOrganization()).slug;
    const { subjectUid: uid } = await site.fixture().root.whoAmI({});
    return { browser, uid };
  };
  /** What was refused since a moment ago, as the owner of the instance lists it, oldest first. */
  const denied = async (during: () => Promise<unknown>) => {
    const list = async () => {
      const request = { org, instance: true, outcome: AuditOutcome.DENIED, pageSize: 1000 };
      return (await site.fixture().root.listAuditRecords(request)).records;
    };
    const before = (await list()).length;
    await during();
    const all = await list();
    return all.slice(0, all.length - before).reverse();
  };
  const attempt = async (email: string, password: string) => {
    const browser = site.browse();
    return browser.submit(await browser.open('/auth/sign-in'), '/auth/sign-in', { email, password });
  };

  test('a wrong password: whose account, from where, and nothing that was typed', async () => {
    const { uid } = await ada();
    const typed = ['my secret passphrase', 'hunter2@my.password', EMAIL];
    const records = await denied(async () => {
      for (const email of typed) expect((await attempt(email, `not ${PASSWORD}`)).status).toBe(401);
    });
    expect(records).toMatchObject([
      { details: { how: 'password', reason: 'unknown_account' }, resourceKind: '', resourceUid: '' },
      { details: { how: 'password', reason: 'unknown_account' }, resourceKind: '', resourceUid: '' },
      {
        action: 'session.sign_in',
        actorUid: '',
        resourceKind: 'user',
        resourceUid: uid,
        resourceSlug: 'Ada',
        details: { how: 'password', reason: 'wrong_password' },
        requestId: expect.stringMatching(/^[\w-]{36}$/),
        peerAddress: '127.0.0.1',
      },
    ]);
    const everything = JSON.stringify(await query().selectFrom('audit_record').selectAll().execute());
    for (const text of [...typed, PASSWORD]) expect(everything).not.toContain(text);
  });

  test('an account that is disabled, known by its right password alone', async () => {
    await ada();
    const disable = (time: Date | null) =>
      query().updateTable('subject').set({ disable_time: time }).where('name', '=', 'Ada').execute();
    await disable(new Date());
    const records = await denied(async () => {
      for (const password of ['wrong', PASSWORD]) expect((await attempt(EMAIL, password)).status).toBe(401);
    });
    await disable(null);
    expect(records.map(({ resourceSlug, details }) => [resourceSlug, details.reason])).toEqual([
      ['Ada', 'wrong_password'],
      ['Ada', 'account_disabled'],
    ]);
  });

  test.each(['password', 'invitation'])('a pause of who guesses links for a %s', async (kind) => {
    await ada();
    const guess = () => site.browse().open(`/auth/${kind}?token=${'A'.repeat(43)}`);
    expect(await denied(guess)).toEqual([]);
    await query()
      .updateTable('sign_in_failure')
      .set({ failures: 60 })
      .where('key', 'like', `${kind}:%`)
      .execute();
    const begun = await denied(guess);
    expect(begun).toMatchObject([
      { resourceKind: '', details: { how: `${kind}_link`, reason: 'throttled', of: 'address' } },
    ]);
    expect(await denied(async () => expect((await guess()).status).toBe(429))).toEqual([]);
  });

  test('costs as many statements for an account as for none', async () => {
    await ada();
    const spied = vi.spyOn(DefaultQueryExecutor.prototype, 'executeQuery');
    const counts = [];
    for (const email of [EMAIL, 'nobody@example.com']) {
      spied.mockClear();
      expect((await attempt(email, 'wrong')).status).toBe(401);
      counts.push(spied.mock.calls.length);
    }
    spied.mockRestore();
    expect(counts).toEqual([4, 4]);
  });

  test('a pause once, when it begins, however much is tried during it', async () => {
    await ada();
    const browser = site.browse();
    const page = await browser.open('/auth/sign-in');
    const once = (password: string) => browser.submit(page, '/auth/sign-in', { email: EMAIL, password });
    const reasons = (records: readonly { readonly details: Record<string, string> }[]) =>
      records.map(({ details }) => details.reason).sort();
    const begun = await denied(() => Promise.all(Array.from({ length: 12 }, (_, n) => once(`wrong ${n}`))));
    expect(reasons(begun)).toEqual(['throttled', ...Array(6).fill('wrong_password')]);
    expect(begun.find(({ details }) => details.reason === 'throttled')).toMatchObject({
      resourceSlug: 'Ada',
      details: { of: 'account', pause_seconds: '2' },
    });
    await query()
      .updateTable('sign_in_failure')
      .set({ blocked_until: new Date(Date.now() + 60_000) })
      .execute();
    const during = await denied(async () => {
      for (const password of ['wrong', PASSWORD]) expect((await once(password)).status).toBe(429);
    });
    expect(during).toEqual([]);
    await query()
      .updateTable('sign_in_failure')
      .set({ blocked_until: new Date(0) })
      .execute();
    expect(reasons(await denied(() => once(PASSWORD)))).toEqual([]);
  });

  test('whoever is put off makes no account wait and leaves no record', async () => {
    await ada();
    await attempt('nobody@example.com', 'wrong');
    const ofAddress = query().updateTable('sign_in_failure').where('key', 'like', 'address:%');
    await ofAddress.set({ failures: 20, blocked_until: new Date(0) }).execute();
    const begun = await denied(() => attempt(EMAIL, 'wrong'));
    expect(begun.map(({ resourceSlug, details }) => [resourceSlug, details.reason, details.of])).toEqual([
      ['Ada', 'wrong_password', undefined],
      ['', 'throttled', 'address'],
    ]);
    await ofAddress.set({ blocked_until: new Date(Date.now() + 60_000) }).execute();
    const keys = () => query().selectFrom('sign_in_failure').select(['key', 'failures']).execute();
    const before = await keys();
    const during = await denied(async () => {
      for (const email of [EMAIL, 'a@example.com', 'b@example.com'])
        expect((await attempt(email, 'wrong')).status).toBe(429);
    });
    expect(during).toEqual([]);
    expect(await keys()).toEqual(before);
  });

  test('where nothing can be recorded, right, wrong and unknown are answered alike', async () => {
    await ada();
    const table = sql.table('identity.audit_record');
    await sql`alter table ${table} add constraint nothing check (false) not valid`.execute(query());
    const answers = [];
    for (const [email, password] of [
      [EMAIL, PASSWORD],
      [EMAIL, 'wrong'],
      ['nobody@example.com', 'wrong'],
    ] as const) {
      const { status, text, headers } = await attempt(email, password);
      answers.push([status, text, headers.getSetCookie()]);
    }
    await sql`alter table ${table} drop constraint nothing`.execute(query());
    expect(answers[0]).toEqual([503, expect.stringContaining('cannot answer now'), []]);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });

  test('what a provider says of somebody who is not let in', async () => {
    const { uid } = await ada();
    const signIn = async (claims: object, wanted: object = {}) => {
      const browser = site.browse();
      const { headers } = await browser.open('/auth/oidc/start');
      const words = provider.signIn(headers.get('location') ?? '', { ...wanted, claims: { ...claims } });
      return (await browser.open(`/auth/oidc/callback?${words}`)).status;
    };
    const grace = { sub: 'g', email: 'grace@example.com', email_verified: true, name: 'Grace' };
    expect(await signIn(grace)).toBe(303);
    const disable = (time: Date | null) =>
      query().updateTable('subject').set({ delete_time: time }).where('name', '=', 'Grace').execute();
    const records = await denied(async () => {
      expect(await signIn({ ...grace, sub: 'x', email: 'a@elsewhere.example' })).toBe(403);
      expect(await signIn({ ...grace, sub: 'x', email_verified: false })).toBe(403);
      expect(await signIn({ ...grace, sub: 'x', email: EMAIL })).toBe(403);
      expect(await signIn(grace, { sign: 'other_key' })).toBe(400);
      await disable(new Date());
      expect(await signIn(grace)).toBe(403);
      await disable(null);
    });
    expect(records.map(({ resourceSlug, details }) => [details.reason, details.sub, resourceSlug])).toEqual([
      ['wrong_domain', 'x', ''],
      ['unverified_address', 'x', ''],
      ['address_taken', 'x', 'Ada'],
      ['provider_refused', undefined, ''],
      ['account_disabled', 'g', 'Grace'],
    ]);
    expect(records[2]).toMatchObject({ action: 'session.sign_in', actorUid: '', resourceUid: uid });
    expect(JSON.stringify(records.map(({ details }) => details))).not.toContain('elsewhere.example');
  });

  test('wrong codes, by who typed them, and their pause once', async () => {
    const { browser, uid } = await ada();
    const page = await browser.open('/auth/device');
    const records = await denied(() =>
      Promise.all(
        Array.from({ length: 10 }, (_, n) =>
          browser.submit(page, '/auth/device', { user_code: `BCDF-GHJ${'BCDFGHJKLM'[n]}` }),
        ),
      ),
    );
    expect(records.map(({ details }) => details.reason).sort()).toEqual([
      'throttled',
      ...Array(6).fill('wrong_code'),
    ]);
    for (const record of records)
      expect(record).toMatchObject({ action: 'session_grant.create', actorUid: uid, resourceUid: uid });
    expect(JSON.stringify(records.map(({ details }) => details))).not.toContain('BCDF');
  });

  test('what comes twice, once for each grant, and a code without its verifier', async () => {
    const { browser, uid } = await ada();
    const refresh = (refresh_token: string) => site.token({ grant_type: 'refresh_token', refresh_token });
    const records = await denied(async () => {
      const code = await site.newCode(browser);
      expect((await site.token(code)).status).toBe(200);
      for (const _ of [1, 2, 3]) expect((await site.token(code)).status).toBe(400);
      const { refresh_token } = await site.newGrant(browser);
      await refresh(refresh_token);
      for (const _ of [1, 2, 3]) expect((await refresh(refresh_token)).status).toBe(400);
      const stolen = await site.newCode(browser);
      for (const _ of [1, 2]) await site.token({ ...stolen, code_verifier: 'x'.repeat(43) });
    });
    expect(records.map(({ action, details }) => [action, details.reason])).toEqual([
      ['session_grant.create', 'code_replayed'],
      ['session_grant.refresh', 'refresh_replayed'],
      ['session_grant.create', 'wrong_verifier'],
    ]);
    for (const record of records) expect(record).toMatchObject({ actorUid: '', resourceUid: uid });
  });

  test('is for the owner of the instance alone', async () => {
    await ada();
    const { uid, slug } = await site.fixture().newOrganization();
    const admin = await site.fixture().newUser(uid, 'owner');
    expect((await admin.client.listAuditRecords({ org: slug })).records).not.toEqual([]);
    expect(await refusalOf(admin.client.listAuditRecords({ org: slug, instance: true }))).toEqual({
      kind: 'denied',
      reason: 'NOT_INSTANCE_OWNER',
    });
    const { records } = await site.fixture().root.listAuditRecords({ org: slug, instance: true });
    expect(records.map(({ action }) => action)).toContain('account.set_up');
    expect((await site.fixture().root.listAuditRecords({ org: slug })).records).toMatchObject([
      { action: 'organization.create' },
    ]);
  });
});
