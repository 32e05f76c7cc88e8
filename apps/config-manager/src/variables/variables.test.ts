import { engines, useTestEngine } from '@planton/database/testing';
import { outcomeOf } from '@planton/rpc/testing';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

describe.each(engines)('variables on %s', (kind) => {
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
    client = await config.as({ org, name: 'ada' });
  });

  const set = (slug: string, value: string, more: { environment?: string; etag?: string } = {}) =>
    client.setVariable({ org: org.slug, slug, value, ...more });
  const get = (slug: string, environment = '') => client.getVariable({ org: org.slug, slug, environment });

  test('are set, changed and read at their level alone', async () => {
    config.addEnvironment(org, 'prod');
    const made = await set('region', 'us-west-2');
    expect(made).toMatchObject({
      changed: true,
      variable: { slug: 'region', value: 'us-west-2', updatedBy: 'ada' },
    });
    expect(await set('region', 'us-west-2')).toMatchObject({ changed: false, variable: made.variable });
    expect(await refusalOf(get('region', 'prod'))).toMatchObject({
      kind: 'missing',
      reason: 'VARIABLE_NOT_FOUND',
    });
    await set('region', 'eu-west-1', { environment: 'prod' });
    expect(await set('region', 'us-east-1')).toMatchObject({
      changed: true,
      variable: { uid: made.variable?.uid },
    });
    expect((await get('region')).variable?.value).toBe('us-east-1');
    expect((await get('region', 'prod')).variable).toMatchObject({ value: 'eu-west-1', environment: 'prod' });
    expect(await refusalOf(get('region', 'dev'))).toMatchObject({ reason: 'ENVIRONMENT_NOT_FOUND' });
  });

  test('refuse a stale etag', async () => {
    expect(await refusalOf(set('region', '1', { etag: 'x' }))).toMatchObject({
      kind: 'stale',
      reason: 'STALE_ETAG',
    });
    const { variable } = await set('region', '1');
    await set('region', '2', { etag: variable?.etag ?? '' });
    expect(await refusalOf(set('region', '3', { etag: variable?.etag ?? '' }))).toMatchObject({
      reason: 'STALE_ETAG',
    });
    const remove = client.deleteVariable({ org: org.slug, slug: 'region', etag: variable?.etag ?? '' });
    expect(await refusalOf(remove)).toMatchObject({ reason: 'STALE_ETAG' });
  });

  test('are gone for ever when deleted, and another when made again', async () => {
    const first = await set('region', '1');
    await client.deleteVariable({ org: org.slug, slug: 'region' });
    expect(await refusalOf(get('region'))).toMatchObject({ reason: 'VARIABLE_NOT_FOUND' });
    expect(await refusalOf(client.deleteVariable({ org: org.slug, slug: 'region' }))).toMatchObject({
      kind: 'missing',
    });
    expect((await set('region', '1')).variable?.uid).not.toBe(first.variable?.uid);
    const { records } = await client.listAuditRecords({ org: org.slug, resourceSlug: 'region' });
    expect(records.map(({ action }) => action)).toEqual(['variable.set', 'variable.delete', 'variable.set']);
  });

  test('set at once, are one, with the last value', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => set('busy', `${i}`)));
    expect(new Set(answers.map(({ variable }) => variable?.uid)).size).toBe(1);
    expect(answers.every(({ changed }) => changed)).toBe(true);
    const last = answers.find(({ variable }) => variable?.etag.endsWith('.10'));
    expect((await get('busy')).variable?.value).toBe(last?.variable?.value);
  });

  test('list page by page', async () => {
    const slugs = ['a', 'a-b', 'ab', 'b', 'c'];
    for (const slug of slugs) await set(slug, '1');
    const found: string[] = [];
    for (let pageToken = ''; ; ) {
      const page = await client.listVariables({ org: org.slug, pageSize: 2, pageToken });
      found.push(...page.variables.map(({ slug }) => slug));
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(found).toEqual(slugs);
  });

  test('keep odd values, and refuse what cannot be stored', async () => {
    const odd = `'; drop table variable; -- 🔑\n\u2028`;
    await set('odd', odd);
    expect((await get('odd')).variable?.value).toBe(odd);
    for (const value of ['', 'a\0b', 'x'.repeat(4097)]) {
      expect(await refusalOf(set('odd', value))).toMatchObject({ reason: 'VALIDATION_FAILED' });
    }
    expect(await refusalOf(set('Upper', '1'))).toMatchObject({ reason: 'VALIDATION_FAILED' });
  });

  test('are read by viewers and written by developers', async () => {
    await set('region', '1');
    const viewer = await config.as({ org, role: 'viewer' });
    expect((await viewer.getVariable({ org: org.slug, slug: 'region' })).variable?.value).toBe('1');
    const write = viewer.setVariable({ org: org.slug, slug: 'region', value: '2' });
    expect(await refusalOf(write)).toMatchObject({ kind: 'denied' });
    const developer = await config.as({ org, role: 'developer' });
    await developer.setVariable({ org: org.slug, slug: 'region', value: '2' });
  });

  test('are five thousand of a level at most, for however many that are made at once', async () => {
    await set('region', '1');
    await sql`insert into config.variable (uid, organization_uid, environment_uid, slug, value, revision, updated_by)
      select ${org.uid} || i, ${org.uid}, '', 'full-' || i, '', 1, '' from generate_series(1, 4998) i`.execute(
      config.database.query,
    );
    const late = Array.from({ length: 20 }, (_, n) => `late-${n}`);
    const outcomes = await Promise.all(late.map((slug) => outcomeOf(set(slug, '1'))));
    expect(outcomes.sort()).toEqual(['done', ...Array(19).fill('quota VARIABLE_LIMIT 5000')]);
    expect(await outcomeOf(set('region', '2'))).toBe('done');
    config.addEnvironment(org, 'prod');
    expect(await outcomeOf(set('late', '1', { environment: 'prod' }))).toBe('done');
    await client.deleteVariable({ org: org.slug, slug: 'region' });
    expect(await outcomeOf(set('late', '1'))).toBe('done');
  });
});
