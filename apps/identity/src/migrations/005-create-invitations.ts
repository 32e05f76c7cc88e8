import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Invitations, links for a new password, and people whom the owner of the instance keeps out. Of links there are hashes alone. */
const STATEMENTS = [
  `alter table subject add column disable_time timestamptz check (disable_time is null or kind = 'user')`,
  `create index subject_people on subject (name, uid) where kind = 'user' and delete_time is null`,

  `create table invitation (
    uid text primary key,
    organization_uid text not null references organization,
    email text collate "C" not null,
    role text not null check (role in ('owner', 'admin', 'developer', 'viewer', 'deployer')),
    limited boolean not null,
    hash bytea not null constraint invitation_hash unique,
    inviter_uid text not null references subject,
    create_time timestamptz not null default now(),
    expire_time timestamptz not null,
    accept_time timestamptz,
    revoke_time timestamptz,
    check (role <> 'owner' or not limited)
  )`,
  `create unique index invitation_open on invitation (organization_uid, email)
    where accept_time is null and revoke_time is null`,
  `create table invitation_environment (
    invitation_uid text not null references invitation on delete cascade,
    environment_uid text not null references environment on delete cascade,
    primary key (invitation_uid, environment_uid)
  )`,
  `create index invitation_environment_by_environment on invitation_environment (environment_uid)`,

  `create table password_link (
    subject_uid text primary key references subject,
    hash bytea not null constraint password_link_hash unique,
    expire_time timestamptz not null
  )`,
];

export const createInvitations: Migration = {
  name: '005_create_invitations',
  up: async (tx) => {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(tx);
  },
};
