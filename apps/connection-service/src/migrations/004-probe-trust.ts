import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** When it was last shown that a connection keeps others out, and since when it is known not to. */
export const probeTrust: Migration = {
  name: '004_probe_trust',
  up: async (tx) => {
    await sql`
      alter table connection_verification
        drop constraint connection_verification_outcome_check,
        add constraint connection_verification_outcome_check
          check (outcome in ('verified', 'refused', 'inconclusive', 'insecure')),
        add column probe_time timestamptz,
        add column probe_revision integer,
        add column insecure_since timestamptz,
        add check ((probe_time is null) = (probe_revision is null))`.execute(tx);
  },
};
