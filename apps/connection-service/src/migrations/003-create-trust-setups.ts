import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Set-ups of cross-account trust, the tokens of their callbacks, and the secrets that the server keeps for connections. */
export const createTrustSetups: Migration = {
  name: '003_create_trust_setups',
  up: async (tx) => {
    // Outlives the connection, so it refers to it by uid without a foreign key. `end_time` is null while it is open.
    await sql`
      create table trust_setup (
        uid text primary key,
        organization_uid text not null,
        organization_slug text not null,
        connection_uid text not null,
        connection_slug text not null,
        connection_name text not null,
        reconnect boolean not null,
        account_id text not null,
        region text not null,
        capabilities jsonb not null,
        permissions_boundary_arn text not null,
        without_stack boolean not null,
        calls_back boolean not null,
        principal_arn text not null,
        role_name text not null,
        stack_name text not null,
        external_id_uid text not null,
        external_id_slug text not null,
        external_id_hash bytea not null,
        state text not null check (state in ('pending', 'verifying', 'completed', 'failed', 'expired')),
        wait text not null check (wait in ('none', 'callback', 'role', 'propagation', 'stack', 'platform')),
        message text not null,
        causes jsonb not null default '[]',
        claim_hash bytea,
        claim_time timestamptz,
        claimed_role_arn text not null default '',
        claimed_stack_id text not null default '',
        external_id_edited boolean not null default false,
        role_arn text not null,
        stack_id text not null default '',
        worked_time timestamptz,
        refused_time timestamptz,
        insecure_time timestamptz,
        attempts integer not null default 0,
        hints integer not null default 0,
        next_attempt_time timestamptz not null,
        revision integer not null default 1,
        created_by text not null,
        create_time timestamptz not null default now(),
        expire_time timestamptz not null,
        end_time timestamptz,
        check ((end_time is null) = (state in ('pending', 'verifying'))),
        check ((claim_hash is null) = (claim_time is null))
      )`.execute(tx);
    await sql`create unique index trust_setup_open on trust_setup (organization_uid, connection_slug)
      where end_time is null`.execute(tx);
    await sql`create index trust_setup_due on trust_setup (next_attempt_time) where end_time is null`.execute(
      tx,
    );
    await sql`create index trust_setup_by_connection on trust_setup (organization_uid, connection_slug, create_time)`.execute(
      tx,
    );
    await sql`create index trust_setup_by_external_id on trust_setup (external_id_uid)`.execute(tx);

    await sql`
      create table trust_setup_token (
        token_hash bytea primary key,
        setup_uid text not null references trust_setup (uid) on delete cascade,
        create_time timestamptz not null default now()
      )`.execute(tx);
    await sql`create index trust_setup_token_by_setup on trust_setup_token (setup_uid)`.execute(tx);

    // A row from before the secret is minted until after it was retired, so that no crash leaves one behind.
    await sql`
      create table owned_secret (
        uid text primary key,
        organization_uid text not null,
        connection_uid text not null,
        slug text not null default '',
        create_time timestamptz not null default now(),
        retire_time timestamptz
      )`.execute(tx);
    await sql`create index owned_secret_by_connection on owned_secret (connection_uid)`.execute(tx);
  },
};
