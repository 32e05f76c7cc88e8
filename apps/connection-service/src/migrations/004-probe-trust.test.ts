import { migrate, openDatabase } from '@planton/database';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { type ConnectTables, SCHEMA } from '../schema.ts';
import { migrations } from './index.ts';

describe.each(engines)('probing connections that were there before on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('what was found of them stays, nothing was shown, and outcomes are those of the release', async () => {
    const before = migrations.filter(({ name }) => name < '004');
    expect(before.length).toBeGreaterThan(0);
    await migrate(engine(), SCHEMA, before);
    const { query } = openDatabase<ConnectTables>(engine(), SCHEMA);
    await sql`insert into connect.connection (uid, organization_uid, organization_slug, provider, kind, slug, name, labels,
        annotations, spec, revision, reference_revision, created_by, updated_by)
      values ('one', 'o', 'o', 'aws', 'AwsProviderConnection', 'one', 'one', '{}', '{}', '{}', 7, 7, 'x', 'x')`.execute(
      query,
    );
    await sql`insert into connect.connection_verification (connection_uid, current_revision, next_verify_time, outcome,
        verify_time, revision)
      values ('one', 7, now(), 'verified', now(), 7)`.execute(query);

    await migrate(engine(), SCHEMA, migrations);

    expect(await query.selectFrom('connection_verification').selectAll().execute()).toMatchObject([
      { outcome: 'verified', revision: 7, probe_time: null, probe_revision: null, insecure_since: null },
    ]);
    const setOutcome = (outcome: string) =>
      sql`update connect.connection_verification set outcome = ${sql.lit(outcome)}`.execute(query);
    await setOutcome('insecure');
    await expect(setOutcome('safe')).rejects.toThrow(/outcome_check/);
    await expect(
      sql`update connect.connection_verification set probe_time = now()`.execute(query),
    ).rejects.toThrow(/check/);
  });
});
