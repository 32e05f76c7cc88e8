import { jsonb, migrate, openDatabase } from '@planton/database';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { claimOutboxRows } from '../references/outbox-store.ts';
import { type ConnectTables, SCHEMA } from '../schema.ts';
import { createConnections } from './001-create-connections.ts';
import { migrations } from './index.ts';

describe.each(engines)('verifying connections that were there before on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('they use no runner, are verified in their turn, and their outbox is delivered', async () => {
    await migrate(engine(), SCHEMA, [createConnections]);
    const { query } = openDatabase<ConnectTables>(engine(), SCHEMA);
    const text = (name: string) => sql.lit(name);
    for (const uid of ['one', 'two', 'three']) {
      await sql`insert into connect.connection (uid, organization_uid, organization_slug, provider, kind, slug, name, labels,
          annotations, spec, revision, reference_revision, created_by, updated_by)
        values (${text(uid)}, 'o', 'o', 'aws', 'AwsProviderConnection', ${text(uid)}, ${text(uid)}, '{}', '{}', '{}', 7, 7, 'x', 'x')`.execute(
        query,
      );
    }
    const references = [{ kind: 'variable', slug: 'region' }];
    await sql`insert into connect.reference_outbox (owner_uid, owner_kind, owner_slug, organization_uid, organization_slug,
        revision, reference_set, attempt_time)
      values ('one', 'AwsProviderConnection', 'one', 'o', 'o', 7, ${jsonb(references)}, now())`.execute(
      query,
    );

    await migrate(engine(), SCHEMA, migrations);

    expect(await query.selectFrom('connection').select('runner_uid').distinct().execute()).toEqual([
      { runner_uid: '' },
    ]);
    const rows = await query
      .selectFrom('connection_verification')
      .selectAll()
      .select(sql<number>`extract(epoch from next_verify_time - now())::float8`.as('seconds'))
      .execute();
    expect(rows.map(({ connection_uid }) => connection_uid).sort()).toEqual(['one', 'three', 'two']);
    for (const { outcome, current_revision, seconds } of rows) {
      expect([outcome, current_revision]).toEqual([null, 7]);
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(900);
    }
    expect(await claimOutboxRows(query, 10, 0)).toMatchObject([
      { owner_uid: 'one', target: 'config', reference_set: references },
    ]);
  });
});
