import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { openDatabase } from './open-database.ts';
import { shareReads } from './share-reads.ts';
import { engines, useTestEngine } from './testing/index.ts';

/** Reads that end when the test says so, oldest first. */
function heldReads() {
  const open: { readonly question: string; readonly end: PromiseWithResolvers<string> }[] = [];
  let begun = 0;
  const ask = shareReads<string, string>({
    read: (question) => {
      begun += 1;
      const end = Promise.withResolvers<string>();
      open.push({ question, end });
      return end.promise;
    },
    keyOf: (question) => question,
  });
  return {
    ask,
    begun: () => begun,
    end: async (answer: string | Error) => {
      const { end } = open.shift() ?? expect.unreachable('no read is under way');
      if (answer instanceof Error) end.reject(answer);
      else end.resolve(answer);
      await turn();
    },
  };
}

describe('sharing reads', () => {
  test('whoever asks while a read is under way is answered by the next, and by no earlier one', async () => {
    const { ask, begun, end } = heldReads();
    const first = [ask('q'), ask('q')];
    await turn();
    expect(begun()).toBe(1);
    const later = [ask('q'), ask('q'), ask('q')];
    await turn();
    expect(begun()).toBe(1);
    await end('one');
    expect(await Promise.all(first)).toEqual(['one', 'one']);
    expect(begun()).toBe(2);
    const last = ask('q');
    await end('two');
    expect(await Promise.all(later)).toEqual(['two', 'two', 'two']);
    await end('three');
    expect(await last).toBe('three');
  });

  test('nothing is kept: each question that is asked alone is read anew', async () => {
    const { ask, begun, end } = heldReads();
    for (const answer of ['one', 'two']) {
      const asked = ask('q');
      await turn();
      await end(answer);
      expect(await asked).toBe(answer);
    }
    expect(begun()).toBe(2);
  });

  test('different questions wait for nobody', async () => {
    const { ask, begun, end } = heldReads();
    const [one, two] = [ask('a'), ask('b')];
    await turn();
    expect(begun()).toBe(2);
    await end('of a');
    await end('of b');
    expect(await Promise.all([one, two])).toEqual(['of a', 'of b']);
  });

  test('an error reaches those who share the read, and nobody else', async () => {
    const { ask, end } = heldReads();
    const first = Promise.allSettled([ask('q'), ask('q')]);
    await turn();
    const later = ask('q');
    await end(new Error('lost'));
    expect((await first).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await end('fine');
    expect(await later).toBe('fine');
    const thrower = shareReads<string, string>({
      read: () => {
        throw new Error('at once');
      },
      keyOf: (question) => question,
    });
    await expect(thrower('q')).rejects.toThrow('at once');
    await expect(thrower('q')).rejects.toThrow('at once');
  });

  test('no answer is older than its question, whatever comes when', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b'),
      turns: fc.nat(3),
      writes: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.array(fc.nat(4)), async (steps, pauses) => {
        let committed = 0;
        let reads = 0;
        const underWay = new Set<string>();
        const ask = shareReads<string, number>({
          read: async (key) => {
            expect(underWay.has(key)).toBe(false);
            underWay.add(key);
            const seen = committed;
            for (let left = pauses[reads++ % pauses.length] ?? 0; left > 0; left--) await turn();
            underWay.delete(key);
            return seen;
          },
          keyOf: (key) => key,
        });
        const answers: Promise<void>[] = [];
        for (const { key, turns, writes } of steps) {
          if (writes) committed += 1;
          const before = committed;
          answers.push(ask(key).then((seen) => expect(seen).toBeGreaterThanOrEqual(before)));
          for (let left = turns; left > 0; left--) await turn();
        }
        await Promise.all(answers);
        expect(reads).toBeLessThanOrEqual(steps.length);
      }),
      { numRuns: 50 },
    );
  });
});

describe.each(engines)('sharing reads on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('what was committed before a question is in its answer', async () => {
    const { query, transact } = openDatabase<{ counter: { value: number } }>(engine(), 'public');
    await sql`create table counter (value integer not null)`.execute(query);
    await sql`insert into counter values (0)`.execute(query);
    let reads = 0;
    const ask = shareReads<string, number>({
      read: async () => {
        reads += 1;
        const { value } = await query.selectFrom('counter').select('value').executeTakeFirstOrThrow();
        return value;
      },
      keyOf: (question) => question,
    });
    const readers: Promise<void>[] = [];
    const rounds = 50;
    for (let committed = 1; committed <= rounds; committed++) {
      await query.updateTable('counter').set({ value: committed }).execute();
      for (let reader = 0; reader < 10; reader++) {
        readers.push(ask('q').then((seen) => expect(seen).toBeGreaterThanOrEqual(committed)));
      }
    }
    await Promise.all(readers);
    expect(reads).toBeLessThanOrEqual(2 * rounds);
    await expect(transact(() => ask('q'))).rejects.toThrow('not allowed inside a transaction');
  });
});
