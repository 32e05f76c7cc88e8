import type { Migration } from '@planton/database';
import { sql } from 'kysely';

export const createConnections: Migration = {
  name: '001_create_connections',
  up: async (tx) => {
    await sql`
      create table connection (
        uid text primary key,
        organization_uid text not null,
        organization_slug text not null,
        provider text not null,
        kind text not null,
        slug text not null,
        name text not null,
        labels jsonb not null,
        annotations jsonb not null,
        spec jsonb not null,
        revision integer not null,
        reference_revision integer not null,
        create_time timestamptz not null default now(),
        update_time timestamptz not null default now(),
        created_by text not null,
        updated_by text not null,
        unique (organization_uid, slug)
      )`.execute(tx);
    await sql`create index connection_by_name on connection (organization_uid, name)`.execute(tx);
    await sql`create index connection_by_provider on connection (organization_uid, provider, slug)`.execute(
      tx,
    );

    // Outlives the connection, so it refers to it by uid without a foreign key.
    await sql`
      create table connection_revision (
        connection_uid text not null,
        revision integer not null,
        organization_uid text not null,
        slug text not null,
        action text not null check (action in ('created', 'updated', 'deleted')),
        document jsonb not null,
        create_time timestamptz not null default now(),
        created_by text not null,
        primary key (connection_uid, revision)
      )`.execute(tx);
    await sql`create index connection_revision_by_slug on connection_revision (organization_uid, slug, create_time)`.execute(
      tx,
    );

    // The environment is '' for the organisation, so that one unique constraint covers both levels.
    await sql`
      create table default_connection (
        uid text primary key,
        organization_uid text not null,
        provider text not null,
        environment_uid text not null,
        environment_slug text not null,
        connection_uid text not null references connection (uid),
        revision integer not null,
        create_time timestamptz not null default now(),
        update_time timestamptz not null default now(),
        created_by text not null,
        updated_by text not null,
        unique (organization_uid, provider, environment_uid)
      )`.execute(tx);
    await sql`create index default_connection_by_connection on default_connection (connection_uid)`.execute(
      tx,
    );

    await sql`
      create table connection_authorization (
        connection_uid text primary key references connection (uid),
        uid text not null unique,
        organization_uid text not null,
        scope text not null check (scope in ('organization', 'environment')),
        revision integer not null,
        create_time timestamptz not null default now(),
        update_time timestamptz not null default now(),
        created_by text not null,
        updated_by text not null
      )`.execute(tx);
    await sql`
      create table authorization_environment (
        connection_uid text not null references connection_authorization (connection_uid) on delete cascade,
        environment_uid text not null,
        environment_slug text not null,
        primary key (connection_uid, environment_uid)
      )`.execute(tx);

    await sql`
      create table reference_outbox (
        owner_uid text primary key,
        owner_kind text not null,
        owner_slug text not null,
        organization_uid text not null,
        organization_slug text not null,
        revision integer not null,
        reference_set jsonb not null,
        attempts integer not null default 0,
        attempt_time timestamptz not null
      )`.execute(tx);
    await sql`create index reference_outbox_due on reference_outbox (attempt_time)`.execute(tx);
    await sql`
      create table reference_fence (
        owner_uid text primary key,
        revision integer not null,
        fence_time timestamptz not null default now()
      )`.execute(tx);
    await sql`create index reference_fence_by_time on reference_fence (fence_time)`.execute(tx);

    await sql`
      create table audit_record (
        sequence bigint generated always as identity primary key,
        uid text not null unique,
        record_time timestamptz not null default now(),
        organization_uid text not null,
        action text not null,
        actor_uid text not null,
        actor_name text not null,
        via_service text not null,
        api_key_uid text not null,
        resource_kind text not null,
        resource_uid text not null,
        resource_slug text not null,
        environment text not null,
        version integer not null,
        request_id text not null,
        purpose text not null,
        outcome text not null check (outcome in ('succeeded', 'denied', 'failed')),
        details jsonb not null,
        peer_address text not null
      )`.execute(tx);
    await sql`create index audit_record_by_organization on audit_record (organization_uid, sequence)`.execute(
      tx,
    );
  },
};
