import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** What an organisation demands of the use of its connections; no row demands nothing. */
export const createOrganizationPolicy: Migration = {
  name: '006_create_organization_policy',
  up: async (tx) => {
    await sql`
      create table organization_policy (
        organization_uid text primary key,
        require_authorization boolean not null,
        max_session_seconds integer check (max_session_seconds > 0),
        allowed_regions jsonb not null,
        inline_keys_forbidden_in jsonb not null,
        update_time timestamptz not null default now(),
        updated_by text not null
      )`.execute(tx);
  },
};
