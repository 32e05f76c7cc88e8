import { sql, type Transaction } from 'kysely';
import type { Engine } from './engine.ts';
import { assertSchema, runTransaction } from './open-database.ts';

/** A step that is never changed once released: a later one corrects it. */
export interface Migration {
  /** Unique and stable: `'001_create_secrets'`. Recorded in the database. */
  readonly name: string;
  /** Runs in its own transaction with the service's schema as the search path, so names need no schema, in raw SQL either. */
  up(tx: Transaction<unknown>): Promise<void>;
}

export type MigrationFailure = 'migration_failed' | 'database_newer' | 'database_diverged';

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly reason: MigrationFailure;
  /** The migration that failed, or the first one recorded that this program does not have in its place. */
  readonly migration: string;

  constructor(reason: MigrationFailure, migration: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
    this.migration = migration;
  }
}

/**
 * Brings a service's schema up to the given migrations, making the schema first if it is missing.
 *
 * Any number of replicas may start at once: an advisory lock lets one at a time apply one migration, and each looks again at what is
 * left. Every migration is one transaction together with its record, so a failure, or a kill, leaves those before it applied and
 * nothing of the one that failed; starting again continues there.
 *
 * @throws MigrationError `migration_failed` (`isUnavailable` sees through it), `database_newer` when a later release has been here,
 *   `database_diverged` when the recorded history is another one. Nothing has been changed in the last two cases.
 */
export async function migrate(
  engine: Engine,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  assertSchema(schema);
  assertUnique(schema, migrations);
  let remaining = true;
  while (remaining) {
    remaining = await runTransaction(engine.kysely, (tx) => applyNext(tx, schema, migrations));
  }
}

/** @returns whether another one may be left */
async function applyNext(
  tx: Transaction<unknown>,
  schema: string,
  migrations: readonly Migration[],
): Promise<boolean> {
  await sql`set local statement_timeout = 0`.execute(tx);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`migrate ${schema}`}, 0))`.execute(tx);
  await prepareSchema(tx, schema);
  const applied = await sql<{ name: string }>`select name from migration order by position`.execute(tx);
  assertPrefix(
    schema,
    applied.rows.map((row) => row.name),
    migrations,
  );
  const position = applied.rows.length;
  const next = migrations[position];
  if (next === undefined) return false;

  try {
    await next.up(tx);
    await sql`insert into ${sql.table(`${schema}.migration`)} (position, name) values (${position}, ${next.name})`.execute(
      tx,
    );
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new MigrationError(
      'migration_failed',
      next.name,
      `migration ${next.name} of schema ${schema} failed and was rolled back, nothing of it remains: ${detail}. Correct the cause and start again`,
      { cause },
    );
  }
  return position + 1 < migrations.length;
}

/** Looks before it creates, so that a role without CREATE on the database is enough once the schema exists. */
async function prepareSchema(tx: Transaction<unknown>, schema: string): Promise<void> {
  const found = await sql`select from pg_namespace where nspname = ${schema}`.execute(tx);
  if (found.rows.length === 0) await sql`create schema ${sql.id(schema)}`.execute(tx);
  await sql`set local search_path to ${sql.id(schema)}`.execute(tx);
  await sql`set local client_min_messages to warning`.execute(tx);
  await sql`
    create table if not exists migration (
      position integer primary key,
      name text not null unique,
      apply_time timestamptz not null default now()
    )`.execute(tx);
}

function assertPrefix(schema: string, applied: readonly string[], migrations: readonly Migration[]): void {
  applied.forEach((name, position) => {
    const expected = migrations[position]?.name;
    if (expected === name) return;
    if (expected === undefined) {
      throw new MigrationError(
        'database_newer',
        name,
        `schema ${schema} was migrated by a newer release (it has ${name}): start that release, or a later one`,
      );
    }
    throw new MigrationError(
      'database_diverged',
      name,
      `schema ${schema} has migration ${name} where this release has ${expected}: it belongs to another build`,
    );
  });
}

function assertUnique(schema: string, migrations: readonly Migration[]): void {
  const names = new Set(migrations.map((migration) => migration.name));
  if (names.size !== migrations.length)
    throw new Error(`schema ${schema} has two migrations of the same name`);
}
