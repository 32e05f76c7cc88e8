import { timestampDate, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { engines, useTestEngine } from '@planton/database/testing';
import { encodePageToken } from '@planton/rpc';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

describe.each(engines)('ListAuditRecords on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  let org: Org;
  let client: ConfigManagerClient;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());
  beforeEach(async () => {
    org = config.newOrg();
    client = await config.as({ org, uid: 'ada' });
  });

  const list = (more: Parameters<ConfigManagerClient['listAuditRecords']>[0] = {}) =>
    client.listAuditRecords({ org: org.slug, ...more });

  test('filters by action, object, actor and time', async () => {
    const bob = await config.as({ org, uid: 'bob', role: 'admin' });
    await client.setSecret({ org: org.slug, slug: 'a', entries: { value: '1' } });
    await bob.setSecret({ org: org.slug, slug: 'b', entries: { value: '1' } });
    await bob.accessSecret({ org: org.slug, slug: 'a' });
    const names = async (more: Parameters<typeof list>[0]) =>
      (await list(more)).records.map(({ action, resourceSlug }) => `${action} ${resourceSlug}`);
    expect(await names({})).toEqual(['secret.access a', 'secret.set b', 'secret.set a']);
    expect(await names({ action: 'secret.set' })).toEqual(['secret.set b', 'secret.set a']);
    expect(await names({ resourceSlug: 'a' })).toEqual(['secret.access a', 'secret.set a']);
    expect(await names({ actorUid: 'bob' })).toEqual(['secret.access a', 'secret.set b']);
    expect(await names({ actorUid: 'bob', resourceSlug: 'b' })).toEqual(['secret.set b']);
    const [latest] = (await list()).records;
    if (!latest?.recordTime) throw new Error('there is no record');
    const after = timestampFromDate(new Date(timestampDate(latest.recordTime).getTime() + 1000));
    expect(await names({ since: after })).toEqual([]);
    expect(await names({ until: after })).toHaveLength(3);
  });

  test('pages through records of one moment, each once', async () => {
    await client.setSecret({ org: org.slug, slug: 'a', entries: { value: '1' } });
    await sql`insert into config.audit_record overriding user value select (jsonb_populate_record(r, jsonb_build_object('uid', gen_random_uuid()))).*
      from config.audit_record r, generate_series(1, 20) where organization_uid = ${org.uid}`.execute(
      config.database.query,
    );
    const seen: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await list({ pageSize: 6, pageToken });
      expect(page.records.length).toBeLessThanOrEqual(6);
      seen.push(...page.records.map(({ uid }) => uid));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(seen).toHaveLength(21);
    expect(new Set(seen).size).toBe(21);
  });

  test('a token is good for its filters alone, and a made-up one is refused', async () => {
    for (const value of ['1', '2', '3']) {
      await client.setSecret({ org: org.slug, slug: 'a', entries: { value } });
    }
    const { nextPageToken } = await list({ pageSize: 1 });
    expect(await refusalOf(list({ pageToken: nextPageToken, action: 'secret.set' }))).toMatchObject({
      reason: 'PAGE_TOKEN_INVALID',
    });
    const forged = encodePageToken(["1'::x"], 'another list');
    for (const pageToken of ['x', forged, nextPageToken.slice(0, -4)]) {
      expect(await refusalOf(list({ pageToken }))).toMatchObject({
        kind: 'invalid',
        reason: 'PAGE_TOKEN_INVALID',
      });
    }
  });

  test('shows odd details as far as it can', async () => {
    await client.setSecret({ org: org.slug, slug: 'a', entries: { value: '1' } });
    await sql`update config.audit_record set details = '{"text": "kept", "number": 1, "list": [1]}' where organization_uid = ${org.uid}`.execute(
      config.database.query,
    );
    expect((await list()).records).toMatchObject([{ details: { text: 'kept' } }]);
    await sql`update config.audit_record set details = '[1, 2]' where organization_uid = ${org.uid}`.execute(
      config.database.query,
    );
    expect((await list()).records).toMatchObject([{ details: {} }]);
  });

  test('shows an organisation its own records, to those who may see them', async () => {
    await client.setSecret({ org: org.slug, slug: 'a', entries: { value: '1' } });
    const stranger = await config.as({ org: config.newOrg() });
    expect((await stranger.listAuditRecords({ org: 'acme' })).records).toEqual([]);
    expect(await refusalOf(stranger.listAuditRecords({ org: 'not-mine' }))).toMatchObject({
      kind: 'missing',
    });
    const developer = await config.as({ org, role: 'developer' });
    expect(await refusalOf(developer.listAuditRecords({ org: org.slug }))).toMatchObject({ kind: 'denied' });
  });

  test('refuses a time outside the calendar', async () => {
    const call = list({ since: { seconds: 253402300800n, nanos: 0 } });
    expect(await refusalOf(call)).toMatchObject({ kind: 'invalid' });
  });
});
