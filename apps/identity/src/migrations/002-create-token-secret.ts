import type { Migration } from '@planton/database';
import { sql } from 'kysely';

/** The secret that encrypts the private signing keys, itself wrapped by the master key. One row. */
export const createTokenSecret: Migration = {
  name: '002_create_token_secret',
  up: async (tx) => {
    await sql`
      create table token_secret (
        singleton boolean primary key default true check (singleton),
        master_fingerprint text not null,
        wrapped bytea not null
      )`.execute(tx);
  },
};
