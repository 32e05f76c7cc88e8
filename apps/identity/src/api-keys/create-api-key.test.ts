import { Role, SubjectKind } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';

describe.each(engines)('API keys on %s', (kind) => {
  const fixture = useFixture(kind);

  test('an own key speaks for its maker, and is shown once', async () => {
    const { clientWith, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'developer');
    const { key, apiKey } = await user.client.createApiKey({ org, name: 'second' });
    expect(key).toMatch(/^planton_[\w-]{43}$/);
    expect(apiKey).toMatchObject({
      name: 'second',
      subjectUid: user.uid,
      subjectKind: SubjectKind.USER,
      role: Role.DEVELOPER,
      prefix: key.slice(0, 12),
      lastCharacters: key.slice(-3),
    });
    expect(apiKey?.expireTime).toBeUndefined();
    expect(apiKey?.lastUseTime).toBeUndefined();

    expect((await clientWith(key).whoAmI({})).subjectUid).toBe(user.uid);
    const { apiKeys } = await user.client.listApiKeys({ org });
    expect(apiKeys.map(({ name }) => name)).toEqual(['second', 'laptop']);
    expect(apiKeys[0]?.lastUseTime).toBeDefined();
  });

  test('a service account has keys of its own, with names of their own', async () => {
    const { root, clientWith, guard, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    await root.createServiceAccount({ org, slug: 'ci', role: Role.DEPLOYER });
    const { key, apiKey } = await root.createApiKey({ org, name: 'blue', serviceAccount: 'ci' });
    expect(apiKey).toMatchObject({ name: 'blue', subjectName: 'ci', role: Role.DEPLOYER });
    expect(await clientWith(key).whoAmI({})).toMatchObject({ name: 'ci' });
    const { accessToken } = await root.exchangeToken({ apiKey: key, org });

    const create = (client: typeof root, serviceAccount: string) =>
      refusalOf(client.createApiKey({ org, name: 'green', serviceAccount }));
    const absent = { kind: 'missing', reason: 'SERVICE_ACCOUNT_NOT_FOUND' };
    expect(await create(root, 'nobody')).toEqual(absent);
    const other = await newOrganization();
    await root.createServiceAccount({ org: other.slug, slug: 'theirs', role: Role.VIEWER });
    expect(await create(root, 'theirs')).toEqual(absent);
    const { client: developer } = await newUser(uid, 'developer');
    expect(await create(developer, 'ci')).toEqual({ kind: 'denied', reason: 'PERMISSION_DENIED' });
    expect(await create(developer, 'nobody')).toEqual({ kind: 'denied', reason: 'PERMISSION_DENIED' });
    await root.createServiceAccount({ org, slug: 'boss', role: Role.OWNER });
    const { client: admin } = await newUser(uid, 'admin');
    expect(await create(admin, 'boss')).toEqual({ kind: 'denied', reason: 'ROLE_NOT_INCLUDED' });
    expect(
      await refusalOf(root.createApiKey({ org, name: 'green', serviceAccount: 'ci', role: Role.OWNER })),
    ).toEqual({ kind: 'invalid', reason: 'VALIDATION_FAILED' });

    await root.deleteServiceAccount({ org, slug: 'ci' });
    await guard.revocations.refresh();
    expect(await create(root, 'ci')).toEqual(absent);
    for (const credential of [key, accessToken])
      expect(await refusalOf(clientWith(credential).whoAmI({}))).toMatchObject({ kind: 'unauthenticated' });
  });

  test('no table holds a key', async () => {
    const { database, root, rootKey, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const { key } = await root.createApiKey({ org, name: 'canary', role: Role.VIEWER });
    const tables = await sql<{ name: string }>`
      select table_name as name from information_schema.tables where table_schema = 'identity'`.execute(
      database.query,
    );
    expect(tables.rows.length).toBeGreaterThan(10);
    for (const { name } of tables.rows) {
      const { rows } = await sql<{ text: string }>`
        select row_to_json(t)::text as text from ${sql.table(`identity.${name}`)} as t`.execute(
        database.query,
      );
      const all = rows.map(({ text }) => text).join('\n');
      for (const secret of [key, rootKey]) {
        expect(all).not.toContain(secret.slice('planton_'.length + 4, -3));
        expect(all).not.toContain(Buffer.from(secret).toString('hex'));
      }
    }
  });

  test('a key with a role belongs to a service account of its name', async () => {
    const { root, clientWith, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const first = await root.createApiKey({ org, name: 'ci', role: Role.DEPLOYER });
    const second = await root.createApiKey({ org, name: 'ci', role: Role.DEPLOYER });
    expect(second.apiKey?.subjectUid).toBe(first.apiKey?.subjectUid);
    expect(await clientWith(second.key).whoAmI({})).toMatchObject({
      name: 'ci',
      kind: SubjectKind.SERVICE_ACCOUNT,
      instanceOwner: false,
      organizations: [{ slug: org, role: Role.DEPLOYER }],
    });
    const exists = { kind: 'duplicate', reason: 'SERVICE_ACCOUNT_EXISTS' };
    expect(await refusalOf(root.createApiKey({ org, name: 'ci', role: Role.VIEWER }))).toEqual(exists);
    await root.createEnvironment({ org, slug: 'staging' });
    expect(
      await refusalOf(root.createApiKey({ org, name: 'ci', role: Role.DEPLOYER, environments: ['staging'] })),
    ).toEqual(exists);
  });

  test('who does not manage service accounts makes keys of his own only', async () => {
    const { root, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const { client } = await newUser(uid, 'developer');
    await root.createApiKey({ org, name: 'ci', role: Role.VIEWER });
    expect(await refusalOf(client.createApiKey({ org, name: 'mine', role: Role.VIEWER }))).toEqual({
      kind: 'denied',
      reason: 'PERMISSION_DENIED',
    });
    expect(await refusalOf(client.createApiKey({ org, name: 'mine', environments: ['x'] }))).toEqual({
      kind: 'invalid',
      reason: 'ENVIRONMENTS_WITHOUT_ROLE',
    });
    expect((await client.listApiKeys({ org })).apiKeys.map(({ name }) => name)).toEqual(['laptop']);
    expect(await refusalOf(client.revokeApiKey({ org, apiKey: 'ci' }))).toEqual({
      kind: 'missing',
      reason: 'API_KEY_NOT_FOUND',
    });
  });

  test.each([0n, 59n, 315_360_001n])('%d seconds are no lifetime', async (seconds) => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    expect(
      await refusalOf(root.createApiKey({ org, name: 'short', lifetime: { seconds, nanos: 0 } })),
    ).toMatchObject({ kind: 'invalid' });
  });

  test('an expired key is not valid any more, and says so in the list', async () => {
    const { root, clientWith, database, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const { key, apiKey } = await root.createApiKey({
      org,
      name: 'short',
      lifetime: { seconds: 60n, nanos: 0 },
    });
    await clientWith(key).whoAmI({});
    await database.query
      .updateTable('api_key')
      .set({ expire_time: sql<Date>`now() - interval '1 millisecond'` })
      .where('uid', '=', apiKey?.uid ?? '')
      .execute();
    expect(await refusalOf(clientWith(key).listMembers({ org }))).toMatchObject({
      reason: 'API_KEY_INVALID',
    });
    const { apiKeys } = await root.listApiKeys({ org });
    expect(apiKeys.find(({ uid }) => uid === apiKey?.uid)?.expireTime).toBeDefined();
  });

  test('a revoked key ends at once; revoking again changes nothing', async () => {
    const { root, clientWith, guard, database, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    const { key, apiKey } = await root.createApiKey({ org, name: 'ci', role: Role.VIEWER });
    await clientWith(key).listMembers({ org });
    await root.revokeApiKey({ org, apiKey: 'ci' });
    await guard.revocations.refresh();
    expect(await refusalOf(clientWith(key).listMembers({ org }))).toEqual({
      kind: 'unauthenticated',
      reason: 'API_KEY_INVALID',
    });
    const [{ count } = { count: 0 }] = await database.query
      .selectFrom('audit_record')
      .select(sql<number>`count(*)`.as('count'))
      .where('organization_uid', '=', uid)
      .where('action', '=', 'api_key.revoke')
      .execute();
    await root.revokeApiKey({ org, apiKey: apiKey?.uid ?? '' });
    await root.revokeApiKey({ org, apiKey: 'ci' });
    expect(count).toBe(1);
  });

  test('two keys of a name are revoked by uid', async () => {
    const { root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const create = () => root.createApiKey({ org, name: 'twins', role: Role.VIEWER });
    const [first] = [await create(), await create()];
    expect(await refusalOf(root.revokeApiKey({ org, apiKey: 'twins' }))).toEqual({
      kind: 'state',
      reason: 'API_KEY_AMBIGUOUS',
    });
    await root.revokeApiKey({ org, apiKey: first.apiKey?.uid ?? '' });
    await root.revokeApiKey({ org, apiKey: 'twins' });
    expect((await root.listApiKeys({ org })).apiKeys.map(({ name }) => name)).not.toContain('twins');
  });

  test('a key of another organisation or person is like none', async () => {
    const { root, newOrganization, newUser } = fixture();
    const [here, there] = [await newOrganization(), await newOrganization()];
    const foreign = await root.createApiKey({ org: there.slug, name: 'ci', role: Role.VIEWER });
    const [owner, other] = [await newUser(here.uid, 'owner'), await newUser(here.uid, 'viewer')];
    const theirs = (await other.client.listApiKeys({ org: here.slug })).apiKeys[0];
    const ended = async (apiKey: string) => {
      const error = await owner.client
        .revokeApiKey({ org: here.slug, apiKey })
        .catch((thrown: unknown) => thrown);
      return String(error).replaceAll(apiKey, '…');
    };
    const nobody = await ended('00000000-0000-4000-8000-000000000000');
    expect(nobody).toContain('you have no API key');
    expect(await ended(foreign.apiKey?.uid ?? '')).toBe(nobody);
    expect(await ended(theirs?.uid ?? '')).toBe(nobody);
  });

  test('the owner of the instance keeps one key, even when revoking all at once', async () => {
    const { root, database, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const { key } = await root.createApiKey({ org, name: 'spare' });
    const spare = fixture().clientWith(key);
    const { subjectUid } = await root.whoAmI({});
    const own = (await root.listApiKeys({ org })).apiKeys.filter((each) => each.subjectUid === subjectUid);
    expect(own.length).toBeGreaterThan(1);
    await spare.whoAmI({});
    const results = await Promise.allSettled(own.map(({ uid }) => root.revokeApiKey({ org, apiKey: uid })));
    expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    const living = await database.query
      .selectFrom('api_key')
      .select('uid')
      .where('subject_uid', '=', subjectUid)
      .where('revoke_time', 'is', null)
      .execute();
    expect(living).toHaveLength(1);
  });
});
