import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Names are ordered byte by byte (`collate "C"`), the same on every installation. */
const STATEMENTS = [
  `create table organization_key (
    organization_uid text not null,
    version integer not null check (version > 0),
    wrapped_key bytea not null,
    master_fingerprint text not null,
    create_time timestamptz not null default now(),
    primary key (organization_uid, version)
  )`,
  `create table master_key (
    id integer primary key default 1 check (id = 1),
    fingerprint text not null
  )`,

  `create table secret (
    uid text collate "C" primary key,
    organization_uid text not null,
    environment_uid text not null,
    slug text collate "C" not null,
    current_version integer not null,
    owner_uid text,
    owner_kind text,
    revision integer not null,
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    delete_time timestamptz
  )`,
  `create unique index secret_slug on secret (organization_uid, environment_uid, slug) where delete_time is null`,
  `create index secret_by_slug on secret (organization_uid, environment_uid, slug, uid)`,

  `create table secret_version (
    uid text collate "C" primary key,
    secret_uid text not null references secret,
    organization_uid text not null,
    version integer not null check (version > 0),
    wrapped_data_key bytea,
    organization_key_version integer,
    rolled_back_to integer not null default 0,
    create_time timestamptz not null default now(),
    created_by text not null,
    destroy_time timestamptz,
    unique (secret_uid, version),
    check ((wrapped_data_key is null) = (destroy_time is not null)),
    check ((wrapped_data_key is null) = (organization_key_version is null)),
    constraint secret_version_organization_key
      foreign key (organization_uid, organization_key_version) references organization_key
  )`,
  `create index secret_version_by_key on secret_version (organization_uid, organization_key_version, uid)
    where wrapped_data_key is not null`,
  `create table secret_entry (
    version_uid text collate "C" not null references secret_version,
    key text collate "C" not null,
    ciphertext bytea,
    primary key (version_uid, key)
  )`,

  `create table variable (
    uid text collate "C" primary key,
    organization_uid text not null,
    environment_uid text not null,
    slug text collate "C" not null,
    value text not null,
    revision integer not null,
    create_time timestamptz not null default now(),
    update_time timestamptz not null default now(),
    updated_by text not null,
    constraint variable_slug unique (organization_uid, environment_uid, slug)
  )`,

  `create table reference_owner (
    uid text primary key,
    kind text not null,
    slug text not null,
    service text not null,
    organization_uid text not null,
    revision integer not null,
    confirmed_revision integer not null,
    register_time timestamptz not null default now()
  )`,
  `create index reference_owner_unconfirmed on reference_owner (service, register_time)
    where confirmed_revision < revision`,
  `create table reference (
    owner_uid text not null references reference_owner,
    target_kind text not null check (target_kind in ('secret', 'variable')),
    target_slug text not null,
    entry_key text not null,
    target_uid text not null,
    confirmed boolean not null,
    primary key (owner_uid, target_kind, target_slug, entry_key)
  )`,
  `create index reference_by_target on reference (target_uid)`,

  `create table audit_record (
    uid text collate "C" primary key default gen_random_uuid()::text,
    organization_uid text not null,
    record_time timestamptz not null default now(),
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
  )`,
  `create index audit_record_by_time on audit_record (organization_uid, record_time desc, uid desc)`,
];

export const createConfig: Migration = {
  name: '001_create_config',
  up: async (tx) => {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(tx);
  },
};
