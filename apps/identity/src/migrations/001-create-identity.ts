import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/**
 * Who exists and what each may do. Names are ordered byte by byte (`collate "C"`), the same on every installation.
 *
 * `person`, `session`, `account`, `verification` and `signing_key` have the shapes that better-auth expects, under our names.
 */
const STATEMENTS = [
  `create table organization (
    uid text primary key,
    slug text collate "C" not null constraint organization_slug unique,
    name text not null,
    create_time timestamptz not null default now()
  )`,
  `create table environment (
    uid text primary key,
    organization_uid text not null references organization,
    slug text collate "C" not null,
    create_time timestamptz not null default now(),
    constraint environment_slug unique (organization_uid, slug)
  )`,

  `create table subject (
    uid text primary key,
    kind text not null check (kind in ('user', 'service_account', 'service')),
    name text collate "C" not null,
    organization_uid text references organization,
    instance_owner boolean not null default false,
    create_time timestamptz not null default now(),
    delete_time timestamptz,
    check ((kind = 'service_account') = (organization_uid is not null)),
    check (kind = 'user' or not instance_owner)
  )`,
  `create unique index service_account_slug on subject (organization_uid, name)
    where kind = 'service_account' and delete_time is null`,
  `create unique index service_name on subject (name) where kind = 'service'`,

  `create table member (
    organization_uid text not null references organization,
    subject_uid text not null references subject,
    role text not null check (role in ('owner', 'admin', 'developer', 'viewer', 'deployer')),
    limited boolean not null,
    create_time timestamptz not null default now(),
    primary key (organization_uid, subject_uid),
    check (role <> 'owner' or not limited)
  )`,
  `create index member_by_subject on member (subject_uid)`,
  `create table member_environment (
    organization_uid text not null,
    subject_uid text not null,
    environment_uid text not null references environment on delete cascade,
    primary key (organization_uid, subject_uid, environment_uid),
    foreign key (organization_uid, subject_uid) references member on delete cascade
  )`,
  `create index member_environment_by_environment on member_environment (environment_uid)`,

  `create table api_key (
    uid text primary key,
    subject_uid text not null references subject,
    name text not null,
    hash bytea not null constraint api_key_hash unique,
    prefix text not null,
    last_characters text not null,
    create_time timestamptz not null default now(),
    expire_time timestamptz,
    last_use_time timestamptz,
    revoke_time timestamptz
  )`,
  `create index api_key_by_subject on api_key (subject_uid)`,

  `create table revocation (
    subject_uid text primary key,
    not_before timestamptz not null
  )`,

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
    request_id text not null,
    outcome text not null,
    details jsonb not null,
    peer_address text not null
  )`,
  `create index audit_record_by_time on audit_record (organization_uid, record_time desc, uid desc)`,

  `create table person (
    id text primary key references subject,
    name text not null,
    email text not null unique,
    email_verified boolean not null,
    image text,
    create_time timestamptz not null,
    update_time timestamptz not null
  )`,
  `create table session (
    id text primary key,
    person_id text not null references person on delete cascade,
    token text not null unique,
    ip_address text,
    user_agent text,
    create_time timestamptz not null,
    update_time timestamptz not null,
    expire_time timestamptz not null
  )`,
  `create index session_by_person on session (person_id)`,
  `create table account (
    id text primary key,
    person_id text not null references person on delete cascade,
    account_id text not null,
    provider_id text not null,
    access_token text,
    refresh_token text,
    id_token text,
    access_token_expire_time timestamptz,
    refresh_token_expire_time timestamptz,
    scope text,
    password text,
    create_time timestamptz not null,
    update_time timestamptz not null
  )`,
  `create index account_by_person on account (person_id)`,
  `create table verification (
    id text primary key,
    identifier text not null,
    value text not null,
    create_time timestamptz not null,
    update_time timestamptz not null,
    expire_time timestamptz not null
  )`,
  `create index verification_by_identifier on verification (identifier)`,
  `create table signing_key (
    id text primary key,
    public_key text not null,
    private_key text not null,
    alg text,
    crv text,
    create_time timestamptz not null,
    expire_time timestamptz
  )`,
];

export const createIdentitySchema: Migration = {
  name: '001_create_identity',
  up: async (tx) => {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(tx);
  },
};
