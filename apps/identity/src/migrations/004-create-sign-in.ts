import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/**
 * How people sign in, in a browser and from it on the command line. Of everything that opens a door there is a SHA-256 hash alone, of
 * 256 random bits; the code that people type is short, and lives ten minutes.
 */
const STATEMENTS = [
  `create table owner_link (
    hash bytea primary key,
    expire_time timestamptz not null,
    use_time timestamptz
  )`,
  `create table sign_in_failure (
    key text primary key,
    failures integer not null,
    last_time timestamptz not null,
    blocked_until timestamptz not null
  )`,

  `create table session_grant (
    uid text primary key,
    subject_uid text not null references subject,
    label text not null,
    create_time timestamptz not null default now(),
    expire_time timestamptz not null,
    last_use_time timestamptz,
    revoke_time timestamptz
  )`,
  `create index session_grant_by_subject on session_grant (subject_uid)`,
  `create table session_access (
    hash bytea primary key,
    grant_uid text not null references session_grant on delete cascade,
    expire_time timestamptz not null
  )`,
  `create index session_access_by_grant on session_access (grant_uid)`,
  `create table session_refresh (
    hash bytea primary key,
    grant_uid text not null references session_grant on delete cascade,
    create_time timestamptz not null default now(),
    spend_time timestamptz
  )`,
  `create index session_refresh_by_grant on session_refresh (grant_uid)`,

  `create table authorization_code (
    hash bytea primary key,
    subject_uid text not null references subject,
    redirect_uri text not null,
    code_challenge text not null,
    label text not null,
    expire_time timestamptz not null,
    spend_time timestamptz,
    grant_uid text
  )`,
  `create table device_request (
    uid text primary key,
    device_hash bytea not null unique,
    user_code text not null unique,
    label text not null,
    peer_address text not null,
    create_time timestamptz not null default now(),
    expire_time timestamptz not null,
    pause_seconds integer not null,
    poll_time timestamptz,
    state text not null default 'pending' check (state in ('pending', 'approved', 'denied', 'spent')),
    subject_uid text references subject
  )`,
  `create index device_request_by_address on device_request (peer_address)`,
];

export const createSignIn: Migration = {
  name: '004_create_sign_in',
  up: async (tx) => {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(tx);
  },
};
