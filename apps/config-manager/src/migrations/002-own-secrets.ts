import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** Which service has the object that a server-owned secret is for. Such secrets are at the organisation level alone. */
export const ownSecrets: Migration = {
  name: '002_own_secrets',
  up: async (tx) => {
    await sql`alter table secret add column owner_service text`.execute(tx);
    await sql`
      alter table secret add constraint secret_owner check (
        (owner_uid is null) = (owner_kind is null) and (owner_uid is null) = (owner_service is null)
        and (owner_uid is null or environment_uid = '')
      )`.execute(tx);
  },
};
