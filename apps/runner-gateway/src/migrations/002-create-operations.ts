import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Replicas, their sessions, and the operations that go over them. */
export const createOperations: Migration = {
  name: '002_create_operations',
  up: async (tx) => {
    await sql`
      create table replica (
        uid text primary key,
        start_time timestamptz not null default now(),
        heartbeat_time timestamptz not null default now()
      )`.execute(tx);

    // One session per instance: the newest wins, wherever it is.
    await sql`
      create table session (
        instance_uid text primary key,
        uid text not null,
        runner_uid text not null,
        organization_uid text not null,
        replica_uid text not null,
        max_in_flight integer not null,
        version text not null,
        open_time timestamptz not null default now()
      )`.execute(tx);
    await sql`create index session_by_runner on session (runner_uid)`.execute(tx);
    await sql`create index session_by_replica on session (replica_uid)`.execute(tx);

    await sql`
      create table operation (
        uid text primary key,
        organization_uid text not null,
        runner_uid text not null,
        kind text not null,
        state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'outcome_unknown')),
        attempt integer not null,
        instance_uid text,
        replica_uid text,
        requester_replica_uid text not null,
        idempotent boolean not null,
        deadline timestamptz not null,
        lost_time timestamptz,
        cancel_time timestamptz,
        payload bytea,
        output jsonb,
        sealed_output bytea,
        error jsonb,
        connection_uid text not null,
        connection_slug text not null,
        requested_by text not null,
        request_id text not null,
        create_time timestamptz not null default now(),
        start_time timestamptz,
        end_time timestamptz,
        check ((end_time is null) = (state in ('queued', 'running'))),
        check (end_time is null or payload is null)
      )`.execute(tx);
    await sql`create index operation_queued on operation (runner_uid, create_time) where state = 'queued'`.execute(
      tx,
    );
    await sql`create index operation_running on operation (instance_uid) where state = 'running'`.execute(tx);
    await sql`create index operation_running_on on operation (replica_uid) where state = 'running'`.execute(
      tx,
    );
    await sql`create index operation_deadline on operation (deadline) where state in ('queued', 'running')`.execute(
      tx,
    );
    await sql`create index operation_sealed on operation (end_time) where sealed_output is not null`.execute(
      tx,
    );
    await sql`create index operation_by_organization on operation (organization_uid, create_time desc, uid)`.execute(
      tx,
    );
    await sql`create index operation_by_end on operation (end_time) where end_time is not null`.execute(tx);

    await sql`
      create table operation_step (
        operation_uid text not null references operation (uid) on delete cascade,
        attempt integer not null,
        sequence integer not null,
        step jsonb not null,
        primary key (operation_uid, attempt, sequence)
      )`.execute(tx);
  },
};
