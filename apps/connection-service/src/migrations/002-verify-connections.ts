import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Runners that connections use, and what verifications found. */
export const verifyConnections: Migration = {
  name: '002_verify_connections',
  up: async (tx) => {
    await sql`alter table connection add column runner_uid text not null default ''`.execute(tx);

    // One row for each service that has to be told, so that neither waits for the other.
    await sql`
      alter table reference_outbox
        add column target text not null default 'config' check (target in ('config', 'runner'))`.execute(tx);
    await sql`
      alter table reference_outbox
        drop constraint reference_outbox_pkey,
        add primary key (owner_uid, target)`.execute(tx);

    // The outcome is null until there was a first verification. What decides when the next one is due stands in this row alone,
    // so that a result and a change of the connection that meet are ordered by its lock.
    await sql`
      create table connection_verification (
        connection_uid text primary key references connection (uid) on delete cascade,
        current_revision integer not null,
        next_verify_time timestamptz not null,
        attempts integer not null default 0,
        outcome text check (outcome in ('verified', 'refused', 'inconclusive')),
        verify_time timestamptz,
        revision integer,
        message text not null default '',
        causes jsonb not null default '[]',
        identity text not null default '',
        runner text not null default '',
        last_success_time timestamptz,
        check ((outcome is null) = (verify_time is null) and (outcome is null) = (revision is null))
      )`.execute(tx);
    await sql`create index connection_verification_due on connection_verification (next_verify_time)`.execute(
      tx,
    );
    // Connections that are there already take their turns over a quarter of an hour.
    await sql`
      insert into connection_verification (connection_uid, current_revision, next_verify_time)
      select uid, revision, now() + make_interval(secs => 60 + 840 * random()) from connection`.execute(tx);
  },
};
