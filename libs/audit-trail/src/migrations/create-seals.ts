import { sql, type Transaction } from 'kysely';

const STATEMENTS = [
  // Null until a seal covers the record. Nothing that writes records knows of it.
  `alter table audit_record add column seal_number bigint`,
  `create index audit_record_unsealed on audit_record (sequence) where seal_number is null`,
  `create index audit_record_sealed on audit_record (organization_uid, seal_number, sequence) where seal_number is not null`,
  `create table audit_seal (
    organization_uid text not null,
    number bigint not null check (number > 0),
    position bigint not null unique,
    previous_hash bytea not null,
    root bytea not null,
    record_count integer not null,
    total_count bigint not null,
    seal_time timestamptz not null,
    key_id text not null,
    hash bytea not null,
    public_key bytea not null,
    signature bytea not null,
    entries text not null,
    primary key (organization_uid, number)
  )`,
  `create table audit_sink (
    name text primary key,
    position bigint not null default 0,
    lease_owner text not null default '',
    lease_time timestamptz not null default '-infinity',
    deliver_time timestamptz
  )`,
];

/** Seals and cursors of sinks, beside a table `audit_record` with a `sequence`. For a migration of the service; never changes. */
export async function createSeals(tx: Transaction<unknown>): Promise<void> {
  for (const statement of STATEMENTS) await sql.raw(statement).execute(tx);
}

/** Numbers the records of a table that had no `sequence`, and lists by it. For a migration of the service; never changes. */
export async function numberRecords(tx: Transaction<unknown>): Promise<void> {
  await sql`alter table audit_record add column sequence bigint generated always as identity`.execute(tx);
  await sql`create index audit_record_by_organization on audit_record (organization_uid, sequence)`.execute(
    tx,
  );
  await sql`drop index audit_record_by_time`.execute(tx);
}
