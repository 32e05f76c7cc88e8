import { setTimeout as sleep } from 'node:timers/promises';
import { type Generated, sql } from 'kysely';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { isForeignKeyViolation, isUnavailable, isUniqueViolation } from './classify-error.ts';
import { jsonb } from './encode-jsonb.ts';
import { assertOutsideTransaction, TransactionMisuseError } from './guard-transaction.ts';
import { migrate } from './migrate.ts';
import { type Database, openDatabase } from './open-database.ts';
import { engines, useTestEngine } from './testing/index.ts';

interface Tables {
  account: { uid: string; balance: number; owner: string | null; create_time: Generated<Date> };
  sample: { big: number; raw: Uint8Array; day: string; document: unknown };
}

const migrations = [
  {
    name: '001_create_tables',
    up: async (tx: Parameters<Parameters<typeof migrate>[2][number]['up']>[0]) => {
      await tx.schema
        .createTable('account')
        .addColumn('uid', 'text', (column) => column.primaryKey())
        .addColumn('balance', 'int8', (column) => column.notNull())
        .addColumn('owner', 'text', (column) => column.references('account.uid'))
        .addColumn('create_time', 'timestamptz', (column) => column.notNull().defaultTo(sql`now()`))
        .execute();
      await sql`create table sample (big int8, raw bytea, day date, document jsonb)`.execute(tx);
    },
  },
];

describe.each(engines)('database on %s', (kind) => {
  const engine = useTestEngine(kind);
  let database: Database<Tables>;

  beforeAll(async () => {
    await migrate(engine(), 'ledger', migrations);
    database = openDatabase<Tables>(engine(), 'ledger', { random: () => 0 });
  });
  beforeEach(async () => {
    await database.query.deleteFrom('account').execute();
    await database.query.deleteFrom('sample').execute();
  });

  const add = (uid: string, db = database.query) =>
    db.insertInto('account').values({ uid, balance: 1, owner: null }).execute();
  const uids = async () =>
    (await database.query.selectFrom('account').select('uid').orderBy('uid').execute()).map((row) => row.uid);

  test('a transaction commits when its body resolves', async () => {
    const result = await database.transact(async (tx) => {
      await add('a', tx);
      await add('b', tx);
      return 7;
    });
    expect(result).toBe(7);
    expect(await uids()).toEqual(['a', 'b']);
  });

  test('a transaction rolls back when its body rejects, with the same error', async () => {
    const failure = new Error('no');
    await expect(
      database.transact(async (tx) => {
        await add('a', tx);
        throw failure;
      }),
    ).rejects.toBe(failure);
    expect(await uids()).toEqual([]);
  });

  test('swallowing a failed statement does not turn the rollback into a commit', async () => {
    await expect(
      database.transact(async (tx) => {
        await add('a', tx);
        await add('a', tx).catch(() => {});
      }),
    ).rejects.toThrow();
    expect(await uids()).toEqual([]);
  });

  test('the outer handle inside a transaction throws instead of hanging, and the transaction rolls back', async () => {
    await expect(
      database.transact(async (tx) => {
        await add('a', tx);
        await add('b');
      }),
    ).rejects.toThrow(TransactionMisuseError);
    expect(await uids()).toEqual([]);
  });

  test('another database on the same engine is refused inside a transaction too', async () => {
    const other = openDatabase<Tables>(engine(), 'other');
    await expect(
      database.transact(async () => other.query.selectFrom('account').select('uid').execute()),
    ).rejects.toThrow(TransactionMisuseError);
  });

  test('a nested transaction throws', async () => {
    await expect(database.transact(() => database.transact(async () => 1))).rejects.toThrow(
      'a nested transaction is not allowed inside a transaction',
    );
  });

  test('the network is refused inside a transaction and allowed around it', async () => {
    assertOutsideTransaction('the call to identity');
    await expect(
      database.transact(async (tx) => {
        await add('a', tx);
        assertOutsideTransaction('the call to identity');
      }),
    ).rejects.toThrow('the call to identity is not allowed inside a transaction');
    assertOutsideTransaction('the call to identity');
  });

  test('what a transaction leaves running may use the database once it is over', async () => {
    const started = Promise.withResolvers<void>();
    let late: Promise<unknown> = Promise.resolve();
    await database.transact(async () => {
      late = started.promise.then(() => add('late'));
    });
    started.resolve();
    await late;
    expect(await uids()).toEqual(['late']);
  });

  test('queries beside an open transaction finish, and see it only once it is committed', async () => {
    const begun = Promise.withResolvers<void>();
    const transaction = database.transact(async (tx) => {
      await add('inside', tx);
      begun.resolve();
      await sleep(20);
    });
    await begun.promise;
    const beside = await Promise.all(Array.from({ length: 20 }, (_, index) => add(`beside-${index}`)));
    await transaction;
    expect(beside).toHaveLength(20);
    expect(await uids()).toHaveLength(21);
  });

  test('concurrent increments under serializable isolation are all kept', async () => {
    await add('counter');
    await Promise.all(
      Array.from({ length: 4 }, () =>
        database.transact(
          async (tx) => {
            const { balance } = await tx
              .selectFrom('account')
              .select('balance')
              .where('uid', '=', 'counter')
              .executeTakeFirstOrThrow();
            await tx
              .updateTable('account')
              .set({ balance: balance + 1 })
              .where('uid', '=', 'counter')
              .execute();
          },
          { isolation: 'serializable', attempts: 20 },
        ),
      ),
    );
    const row = await database.query.selectFrom('account').select('balance').executeTakeFirstOrThrow();
    expect(row.balance).toBe(5);
  });

  test.each(['40001', '40P01'])('SQLSTATE %s is retried at most as often as asked', async (state) => {
    let runs = 0;
    const clash = database.transact(
      async (tx) => {
        runs += 1;
        await raise(state).execute(tx);
      },
      { attempts: 3 },
    );
    await expect(clash).rejects.toMatchObject({ code: state });
    expect(runs).toBe(3);
  });

  test('any other failure is not retried', async () => {
    let runs = 0;
    const failed = database.transact(async (tx) => {
      runs += 1;
      await raise('22012').execute(tx);
    });
    await expect(failed).rejects.toMatchObject({ code: '22012' });
    expect(runs).toBe(1);
  });

  test('a read-only transaction cannot write', async () => {
    await expect(database.transact((tx) => add('a', tx), { access: 'read only' })).rejects.toMatchObject({
      code: '25006',
    });
    expect(await uids()).toEqual([]);
  });

  test('violations are recognised by constraint', async () => {
    await add('a');
    const duplicate = await add('a').catch((error: unknown) => error);
    expect(isUniqueViolation(duplicate)).toBe(true);
    expect(isUniqueViolation(duplicate, 'account_pkey')).toBe(true);
    expect(isUniqueViolation(duplicate, 'another')).toBe(false);
    expect(isForeignKeyViolation(duplicate)).toBe(false);
    expect(isUnavailable(duplicate)).toBe(false);

    const orphan = await database.query
      .insertInto('account')
      .values({ uid: 'b', balance: 1, owner: 'nobody' })
      .execute()
      .catch((error: unknown) => error);
    expect(isForeignKeyViolation(orphan)).toBe(true);
    expect(isUniqueViolation(orphan)).toBe(false);
  });

  test('values come back as the same types on both engines', async () => {
    const document = ['text', { nested: [1, null, true] }];
    await database.query
      .insertInto('sample')
      .values({
        big: Number.MAX_SAFE_INTEGER,
        raw: Uint8Array.of(0, 1, 255),
        day: '2026-02-28',
        document: jsonb(document),
      })
      .execute();
    const row = await database.query.selectFrom('sample').selectAll().executeTakeFirstOrThrow();
    expect(row).toEqual({
      big: Number.MAX_SAFE_INTEGER,
      raw: Buffer.of(0, 1, 255),
      day: '2026-02-28',
      document,
    });
    const count = await database.query
      .selectFrom('sample')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow();
    expect(count.count).toBe(1);
  });

  test('jsonb holds a bare string and a bare null', async () => {
    for (const document of ['"quoted" text', null, 0]) {
      await database.query.deleteFrom('sample').execute();
      await database.query
        .insertInto('sample')
        .values({ big: 1, raw: Buffer.alloc(0), day: '2026-01-01', document: jsonb<unknown>(document) })
        .execute();
      const row = await database.query.selectFrom('sample').select('document').executeTakeFirstOrThrow();
      expect(row.document).toEqual(document);
    }
  });

  test('a timestamp is a Date to the millisecond', async () => {
    const time = new Date('2026-03-01T12:34:56.789Z');
    await database.query
      .insertInto('account')
      .values({ uid: 'a', balance: 1, owner: null, create_time: time })
      .execute();
    const row = await database.query.selectFrom('account').select('create_time').executeTakeFirstOrThrow();
    expect(row.create_time).toEqual(time);
  });

  test('an int8 that does not fit a number is an error, and the connection stays usable', async () => {
    await expect(sql`select 9007199254740993::int8 as big`.execute(database.query)).rejects.toThrow(
      'does not fit a number',
    );
    await engine().ping();
  });

  test('two schemas on one engine keep apart', async () => {
    await migrate(engine(), 'second', migrations);
    const second = openDatabase<Tables>(engine(), 'second');
    await add('a');
    await add('b', second.query);
    expect(await uids()).toEqual(['a']);
  });

  test('a closed engine is unavailable and does not hang', async () => {
    const { openTestEngine } = await import('./testing/index.ts');
    const closed = await openTestEngine(kind);
    await closed.close();
    await closed.close();
    const gone = openDatabase<Tables>(closed, 'ledger');
    const query = await gone.query
      .selectFrom('account')
      .execute()
      .catch((error: unknown) => error);
    expect(isUnavailable(query)).toBe(true);
    const transaction = await gone.transact(async () => {}).catch((error: unknown) => error);
    expect(isUnavailable(transaction)).toBe(true);
  });
});

test('a schema name that needs quoting is refused', () => {
  const engine = {} as Parameters<typeof openDatabase>[0];
  for (const schema of ['', 'Upper', 'a b', 'a"b', '1a', 'a'.repeat(64)]) {
    expect(() => openDatabase(engine, schema)).toThrow(RangeError);
  }
});

function raise(state: string) {
  return sql.raw(`do $$ begin raise exception using errcode = '${state}'; end $$`);
}
