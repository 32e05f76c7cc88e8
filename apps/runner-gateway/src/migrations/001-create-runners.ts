import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Registrations, instances and what lets them in. */
export const createRunners: Migration = {
  name: '001_create_runners',
  up: async (tx) => {
    // The platform runner is the one row whose organisation is ''.
    await sql`
      create table runner (
        uid text primary key,
        organization_uid text not null,
        organization_slug text not null,
        slug text not null,
        name text not null,
        revision integer not null default 1,
        revoke_time timestamptz,
        create_time timestamptz not null default now(),
        update_time timestamptz not null default now(),
        created_by text not null,
        updated_by text not null,
        unique (organization_uid, slug)
      )`.execute(tx);
    await sql`create index runner_by_name on runner (organization_uid, name)`.execute(tx);

    await sql`
      create table runner_instance (
        uid text primary key,
        runner_uid text not null references runner (uid) on delete cascade,
        organization_uid text not null,
        name text not null,
        public_key bytea not null,
        ephemeral boolean not null,
        generation integer not null,
        used_generation integer not null,
        certificate_expire_time timestamptz not null,
        version text not null default '',
        host jsonb not null default '{}',
        enroll_time timestamptz not null default now(),
        last_seen_time timestamptz,
        revoke_time timestamptz,
        lock_time timestamptz,
        check (used_generation <= generation)
      )`.execute(tx);
    await sql`create index runner_instance_by_runner on runner_instance (runner_uid)`.execute(tx);
    await sql`create index runner_instance_ephemeral on runner_instance (last_seen_time) where ephemeral`.execute(
      tx,
    );

    await sql`
      create table enrolment_token (
        uid text primary key,
        runner_uid text not null references runner (uid) on delete cascade,
        organization_uid text not null,
        hash bytea not null unique,
        use_limit integer not null,
        use_count integer not null default 0,
        expire_time timestamptz not null,
        revoke_time timestamptz,
        create_time timestamptz not null default now(),
        created_by text not null,
        last_use_time timestamptz
      )`.execute(tx);
    await sql`create index enrolment_token_by_runner on enrolment_token (runner_uid, create_time)`.execute(
      tx,
    );

    await sql`
      create table recovery_nonce (
        hash bytea primary key,
        expire_time timestamptz not null
      )`.execute(tx);

    // Several may be trusted at once, for a rotation; one signs.
    await sql`
      create table certificate_authority (
        uid text primary key,
        certificate text not null,
        master_fingerprint text not null,
        wrapped_key bytea not null,
        signs boolean not null,
        create_time timestamptz not null default now(),
        expire_time timestamptz not null
      )`.execute(tx);
    await sql`create unique index certificate_authority_signs on certificate_authority (signs) where signs`.execute(
      tx,
    );
    await sql`
      create table service_key (
        singleton boolean primary key default true check (singleton),
        master_fingerprint text not null,
        wrapped bytea not null
      )`.execute(tx);

    // Read as a whole by every replica, so that no event can be missed; rows are dropped once they are old.
    await sql`
      create table revocation (
        uid text primary key,
        runner_uid text not null,
        instance_uid text not null,
        reason text not null check (reason in ('revoked', 'locked')),
        revoke_time timestamptz not null default now()
      )`.execute(tx);
    await sql`create index revocation_by_time on revocation (revoke_time)`.execute(tx);

    await sql`
      create table reference_owner (
        uid text primary key,
        service text not null,
        kind text not null,
        slug text not null,
        organization_uid text not null,
        revision integer not null,
        confirmed_revision integer not null,
        register_time timestamptz not null default now()
      )`.execute(tx);
    await sql`create index reference_owner_unconfirmed on reference_owner (service, register_time) where confirmed_revision < revision`.execute(
      tx,
    );
    await sql`
      create table runner_reference (
        owner_uid text not null references reference_owner (uid) on delete cascade,
        runner_uid text not null references runner (uid),
        primary key (owner_uid, runner_uid)
      )`.execute(tx);
    await sql`create index runner_reference_by_runner on runner_reference (runner_uid)`.execute(tx);

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
