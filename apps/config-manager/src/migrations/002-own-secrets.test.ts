import { isCheckViolation, migrate, openDatabase } from '@planton/database';
import { engines, useTestEngine } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { type ConfigTables, SCHEMA } from '../schema.ts';
import { createConfig } from './001-create-config.ts';
import { migrations } from './index.ts';

describe.each(engines)('secrets that were there before on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('they stay those of people; an owner is whole, and at the organisation level', async () => {
    await migrate(engine(), SCHEMA, [createConfig]);
    const { query } = openDatabase<ConfigTables>(engine(), SCHEMA);
    await sql`insert into config.secret (uid, organization_uid, environment_uid, slug, current_version, revision)
      values ('of-people', 'o', 'e', 'db', 1, 1)`.execute(query);
    await migrate(engine(), SCHEMA, migrations);
    expect(await query.selectFrom('secret').selectAll().execute()).toMatchObject([
      { uid: 'of-people', owner_uid: null, owner_kind: null, owner_service: null },
    ]);

    const insert = (
      uid: string,
      environment: string,
      owner: Partial<Record<'uid' | 'kind' | 'service', string>>,
    ) =>
      query
        .insertInto('secret')
        .values({
          uid,
          organization_uid: 'o',
          environment_uid: environment,
          slug: uid,
          current_version: 1,
          owner_uid: owner.uid ?? null,
          owner_kind: owner.kind ?? null,
          owner_service: owner.service ?? null,
          revision: 1,
        })
        .execute();
    const whole = { uid: 'u', kind: 'k', service: 's' };
    await insert('owned', '', whole);
    for (const [environment, owner] of [
      ['e', whole],
      ['', { uid: 'u', kind: 'k' }],
      ['', { uid: 'u', service: 's' }],
      ['', { kind: 'k', service: 's' }],
      ['', { service: 's' }],
    ] as const) {
      const error = await insert('broken', environment, owner).catch((thrown: unknown) => thrown);
      expect(isCheckViolation(error, 'secret_owner')).toBe(true);
    }
  });
});
