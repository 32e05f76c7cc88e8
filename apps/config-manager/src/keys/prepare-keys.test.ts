import { migrate, openDatabase } from '@planton/database';
import { engines, useTestEngine } from '@planton/database/testing';
import { DomainError } from '@planton/rpc';
import { describe, expect, test } from 'vitest';
import { isPrepared } from '../index.ts';
import { migrations } from '../migrations/index.ts';
import { type ConfigTables, SCHEMA } from '../schema.ts';
import { makeMasterKey, startConfigManager } from '../testing/start-config-manager.ts';

describe.each(engines)('the start on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('one master key after another', async () => {
    expect(await isPrepared(engine())).toBe(false);
    const [first, second, wrong] = [await makeMasterKey(), await makeMasterKey(), await makeMasterKey()];
    const original = await startConfigManager(engine(), { master: first });
    const org = original.newOrg();
    const other = original.newOrg('other');
    const caller = await original.as({ org });
    await caller.setSecret({ org: org.slug, slug: 'db', entries: { value: 'kept' } });
    await (await original.as({ org: other })).setSecret({
      org: 'other',
      slug: 'db',
      entries: { value: 'kept too' },
    });
    await original.stop();
    expect(await isPrepared(engine())).toBe(true);
    const stored = () =>
      original.database.query
        .selectFrom('organization_key')
        .selectAll()
        .orderBy('organization_uid')
        .execute();
    const before = await stored();

    const refused = await startConfigManager(engine(), { master: wrong }).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DomainError);
    expect(refused).toMatchObject({ kind: 'state', reason: 'MASTER_KEY_WRONG' });
    expect(String(refused)).toContain(
      `wrong master key: expected fingerprint ${first.fingerprint}, got ${wrong.fingerprint}`,
    );
    await expect(startConfigManager(engine(), { master: second, previous: wrong })).rejects.toMatchObject({
      reason: 'MASTER_KEY_WRONG',
    });
    expect(await stored()).toEqual(before);

    const valueOfBoth = async (config: typeof original) => [
      (await (await config.as({ org })).accessSecret({ org: org.slug, slug: 'db' })).entries.value,
      (await (await config.as({ org: other })).accessSecret({ org: 'other', slug: 'db' })).entries.value,
    ];
    const rotated = await startConfigManager(engine(), { master: second, previous: first });
    expect(await valueOfBoth(rotated)).toEqual(['kept', 'kept too']);
    await rotated.stop();
    expect((await stored()).map((row) => row.master_fingerprint)).toEqual([
      second.fingerprint,
      second.fingerprint,
    ]);

    const settled = await startConfigManager(engine(), { master: second });
    expect(await valueOfBoth(settled)).toEqual(['kept', 'kept too']);
    expect(await settled.app.ready()).toBe(true);
    await settled.stop();
    await expect(startConfigManager(engine(), { master: first })).rejects.toMatchObject({
      reason: 'MASTER_KEY_WRONG',
    });
  });

  test('an interrupted rotation of the master key is finished by the next start', async () => {
    const [first, second] = [await makeMasterKey(), await makeMasterKey()];
    const { database } = await resetTo(first.fingerprint);
    const config = await startConfigManager(engine(), { master: first });
    const org = config.newOrg('half');
    await (await config.as({ org })).setSecret({ org: 'half', slug: 'db', entries: { value: 'kept' } });
    await config.stop();

    const rotated = await startConfigManager(engine(), { master: second, previous: first });
    await rotated.stop();
    await database.query.updateTable('master_key').set({ fingerprint: first.fingerprint }).execute();
    const again = await startConfigManager(engine(), { master: second, previous: first });
    const { entries } = await (await again.as({ org })).accessSecret({ org: 'half', slug: 'db' });
    expect(entries).toEqual({ value: 'kept' });
    await again.stop();
    const settled = await startConfigManager(engine(), { master: second });
    await settled.stop();
  });

  /** Empties what a test before may have left, as for a new installation with this master key. */
  async function resetTo(fingerprint: string) {
    await migrate(engine(), SCHEMA, migrations);
    const database = openDatabase<ConfigTables>(engine(), SCHEMA);
    for (const table of ['secret_entry', 'secret_version', 'secret', 'organization_key'] as const) {
      await database.query.deleteFrom(table).execute();
    }
    await database.query.updateTable('master_key').set({ fingerprint }).execute();
    return { database };
  }
});

describe.each(engines)('the first start on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('replicas that start at once on an empty database agree', async () => {
    const master = await makeMasterKey();
    const replicas = await Promise.all([1, 2, 3].map(() => startConfigManager(engine(), { master })));
    const org = { uid: crypto.randomUUID(), slug: 'acme' };
    const clients = await Promise.all(replicas.map((replica) => replica.as({ org })));
    await Promise.all(
      clients.map((client, i) =>
        client.setSecret({ org: 'acme', slug: `s${i}`, entries: { value: `${i}` } }),
      ),
    );
    for (const [i, client] of clients.entries()) {
      const slug = `s${(i + 1) % 3}`;
      expect((await client.accessSecret({ org: 'acme', slug })).entries.value).toBe(slug.slice(1));
    }
    for (const replica of replicas) await replica.stop();
  });
});
