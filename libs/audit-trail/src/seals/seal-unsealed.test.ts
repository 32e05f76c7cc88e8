import { AsyncLocalStorage } from 'node:async_hooks';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { SERVICE, useTestTrail } from '../testing/use-test-trail.ts';
import { selectSeals, tryToSeal } from './seal-store.ts';

/** Runs as another process would, which knows of no open transaction. */
const detached = AsyncLocalStorage.snapshot();

describe.each(engines)('sealing on %s', (kind) => {
  const trail = useTestTrail(kind);
  const sealsOf = async (organization_uid: string) =>
    (
      await selectSeals(trail().database.query, { service: SERVICE, organization_uid }, { after: 0 }, 100)
    ).map(({ seal }) => seal);

  test('covers what has no seal, trail by trail, once', async () => {
    const { write, seal, verify } = trail();
    await write('one-a', 3);
    await write('one-b', 2);
    expect(await seal()).toBe(5);
    expect(await seal()).toBe(0);
    await write('one-a', 4);
    expect(await seal()).toBe(4);
    expect((await sealsOf('one-a')).map(({ number, total_count }) => [number, total_count])).toEqual([
      [1, 3],
      [2, 7],
    ]);
    expect(await sealsOf('one-b')).toHaveLength(1);
    expect(await verify('one-a')).toEqual([]);
    expect(await verify('one-b')).toEqual([]);
    expect(await verify('nobody')).toEqual([]);
  });

  test('catches up after months, in bounded batches, with bounded seals', async () => {
    const { write, seal, verify } = trail();
    await write('late', 5_500);
    const batches: number[] = [];
    for (let sealed = await seal(); sealed > 0; sealed = await seal()) batches.push(sealed);
    expect(batches).toEqual([2_000, 2_000, 1_500]);
    expect((await sealsOf('late')).map(({ record_count }) => record_count)).toEqual([
      1_000, 1_000, 1_000, 1_000, 1_000, 500,
    ]);
    expect(await verify('late')).toEqual([]);
  });

  test('by several at once makes one chain', async () => {
    const { write, seal, verify } = trail();
    for (let round = 0; round < 5; round += 1) {
      await write('many', 7);
      await Promise.all(Array.from({ length: 4 }, () => seal(undefined, 3)));
    }
    while ((await seal()) > 0);
    const seals = await sealsOf('many');
    expect(seals.map(({ number }) => number)).toEqual(seals.map((_, index) => index + 1));
    expect(seals.at(-1)?.total_count).toBe(35);
    expect(await verify('many')).toEqual([]);
  });

  test('whatever a record holds, it is sealed and found unchanged', async () => {
    const { write, seal, verify, database } = trail();
    const [uid = ''] = await write('odd', 1);
    const strange = { purpose: 'a\n\u2028"\\\u{1f600}', details: '[1, {"x": null}]' };
    await database.query.updateTable('audit_record').set(strange).where('uid', '=', uid).execute();
    await seal();
    expect(await verify('odd')).toEqual([]);
    await database.query
      .updateTable('audit_record')
      .set({ details: '[1, {"x": 0}]' })
      .where('uid', '=', uid)
      .execute();
    expect(await verify('odd')).toMatchObject([{ kind: 'record_changed', record_uid: uid }]);
  });
});

describe('sealing beside writers', () => {
  const trail = useTestTrail('postgres');

  test('takes what is committed late into a later seal, and waits for no writer', async () => {
    const { write, seal, verify, database } = trail();
    let late: string[] = [];
    await database.transact(async (tx) => {
      late = await write('org', 2, tx);
      await detached(() => write('org', 3));
      expect(await detached(() => seal())).toBe(3);
    });
    expect(await seal()).toBe(2);
    expect(late).toHaveLength(2);
    expect(await verify('org')).toEqual([]);
  });

  test('does nothing while another replica is at it, and writers go on', async () => {
    const { write, seal, database } = trail();
    await write('busy', 1);
    await database.transact(async (tx) => {
      expect(await tryToSeal(tx, database.schema)).toBe(true);
      expect(await detached(() => seal())).toBe(0);
      await detached(() => write('busy', 1));
    });
    expect(await seal()).toBe(2);
  });
});
