import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { runInScope } from './guard-transaction.ts';
import { writeInBatches } from './write-in-batches.ts';

const conflict = () => Object.assign(new Error('deadlock'), { code: '40P01' });
const away = () => Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });

describe('writing in batches', () => {
  test('one is written at once; what comes meanwhile shares the next statement', async () => {
    const batches: number[][] = [];
    const gate = Promise.withResolvers<void>();
    const writer = writeInBatches<number, number>({
      write: async (items) => {
        batches.push([...items]);
        if (batches.length === 1) await gate.promise;
        return items.map((item) => item * 2);
      },
      largest: 3,
      concurrency: 1,
    });
    const first = writer.write(1);
    while (batches.length === 0) await sleep(1);
    const answers = [first, ...[2, 3, 4, 5].map((item) => writer.write(item))];
    await sleep(5);
    expect(batches).toEqual([[1]]);
    gate.resolve();
    expect(await Promise.all(answers)).toEqual([2, 4, 6, 8, 10]);
    expect(batches).toEqual([[1], [2, 3, 4], [5]]);
    await writer.idle();
  });

  test('each item gets its own answer, whatever the order, sizes and keys', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        async (items, largest, concurrency) => {
          let underWay = 0;
          const writer = writeInBatches<{ key: number; place: number }, number>({
            write: async (batch) => {
              underWay += 1;
              expect(underWay).toBeLessThanOrEqual(concurrency);
              expect(batch.length).toBeLessThanOrEqual(largest);
              expect(new Set(batch.map(({ key }) => key)).size).toBe(batch.length);
              await Promise.resolve();
              underWay -= 1;
              return batch.map(({ place }) => place);
            },
            largest,
            concurrency,
            keyOf: ({ key }) => String(key),
          });
          const answers = await Promise.all(items.map((key, place) => writer.write({ key, place })));
          expect(answers).toEqual(items.map((_, place) => place));
        },
      ),
    );
  });

  test('a batch that meets another transaction is written again', async () => {
    let attempts = 0;
    const writer = writeInBatches<number, number>({
      write: async (items) => {
        attempts += 1;
        if (attempts < 3) throw conflict();
        return items;
      },
      largest: 10,
      concurrency: 1,
    });
    expect(await writer.write(1)).toBe(1);
    expect(attempts).toBe(3);
  });

  test('one bad item fails alone; an absent database fails them all, once', async () => {
    let calls = 0;
    let broken: Error | undefined;
    const writer = writeInBatches<number, number>({
      write: async (items) => {
        calls += 1;
        await sleep(1);
        if (broken) throw broken;
        if (items.includes(3)) throw new Error('item 3');
        return items;
      },
      largest: 10,
      concurrency: 1,
    });
    const settled = await Promise.allSettled([1, 2, 3, 4].map((item) => writer.write(item)));
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
    calls = 0;
    broken = away();
    const gone = await Promise.allSettled([1, 2, 4].map((item) => writer.write(item)));
    expect(gone.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect(calls).toBeLessThanOrEqual(2);
  });

  test('statements that are dear keep their distance, unless one would be full', async () => {
    const sizes: number[] = [];
    const writer = writeInBatches<number, number>({
      write: async (items) => {
        sizes.push(items.length);
        return items;
      },
      largest: 5,
      concurrency: 1,
      gatherMs: 100,
    });
    await writer.write(0);
    const first = writer.write(1);
    await sleep(5);
    await Promise.all([first, ...[2, 3].map((item) => writer.write(item))]);
    expect(sizes).toEqual([1, 3]);
    await writer.idle();
  });

  test('no transaction hands its writes to others', async () => {
    const writer = writeInBatches<number, number>({
      write: async (items) => items,
      largest: 5,
      concurrency: 1,
    });
    await expect(runInScope(() => writer.write(1))).rejects.toThrow('not allowed inside a transaction');
    expect(await writer.write(2)).toBe(2);
  });
});
