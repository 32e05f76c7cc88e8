import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { openDatabase } from '../open-database.ts';
import { prepareStatement } from '../prepare-statement.ts';
import { useTestEngine, watchStatements } from './index.ts';

const engine = useTestEngine('postgres');
const twice = prepareStatement<{ twice: number }>('select $1::integer * 2 as twice');

test('statements are seen in their order, alone and in transactions, and are carried out', async () => {
  const database = openDatabase<Record<string, never>>(engine(), 'public');
  const answers: unknown[] = [];
  const seen = await watchStatements(async () => {
    answers.push((await database.query.executeQuery(twice([4]))).rows);
    await database.transact(async (tx) => {
      answers.push((await sql`select ${'a'}::text as a`.execute(tx)).rows);
    });
    const failing = database.transact(async (tx) => {
      await sql`select 1 / 0`.execute(tx);
    });
    await failing.catch(() => {});
    await engine().ping();
  });
  expect(answers).toEqual([[{ twice: 8 }], [{ a: 'a' }]]);
  expect(seen).toEqual([
    { text: 'select $1::integer * 2 as twice', parameters: [4], inTransaction: false },
    { text: 'select $1::text as a', parameters: ['a'], inTransaction: true },
    { text: 'select 1 / 0', parameters: [], inTransaction: true },
    { text: 'select 1', parameters: [], inTransaction: false },
  ]);
});

test('nothing is seen afterwards, whatever happened', async () => {
  const failing = watchStatements(() => Promise.reject(new Error('it failed')));
  await expect(failing).rejects.toThrow('it failed');
  const seen = await watchStatements(async () => {});
  await engine().ping();
  expect(seen).toEqual([]);
});
