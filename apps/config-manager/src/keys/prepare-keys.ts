import type { Database, Engine } from '@planton/database';
import { openDatabase } from '@planton/database';
import type { Keyring } from '@planton/keyring';
import { state } from '@planton/rpc';
import { type ConfigTables, SCHEMA } from '../schema.ts';
import {
  hasMasterKeyTable,
  insertMasterFingerprint,
  listForeignKeys,
  readMasterFingerprint,
  replaceMasterFingerprint,
  replaceOrganizationKey,
} from './key-store.ts';

const BATCH = 100;

export interface PrepareKeysSettings {
  readonly database: Database<ConfigTables>;
  readonly keyring: Keyring;
  /** Of the decrypt-only previous master key that the keyring has, during a rotation of the master key. */
  readonly previousFingerprint?: string | undefined;
}

/**
 * Checks at every start, before anything is read or written, that this is the master key of the data; with the previous master key
 * at hand wraps the organisation keys of that one anew. Idempotent: an interrupted rotation is finished by the next start.
 *
 * @returns how many organisation keys were wrapped anew
 * @throws `MASTER_KEY_WRONG`; nothing has been changed then
 */
export async function prepareKeys(settings: PrepareKeysSettings): Promise<number> {
  const { database, keyring, previousFingerprint } = settings;
  const actual = keyring.masterFingerprint;
  await insertMasterFingerprint(database.query, actual);
  const stored = (await readMasterFingerprint(database.query)) ?? actual;
  if (stored !== actual && stored !== previousFingerprint) throw wrongMasterKey(stored, actual);
  if (previousFingerprint === undefined) return 0;

  let count = 0;
  for (;;) {
    const foreign = await listForeignKeys(database.query, actual, BATCH);
    if (foreign.length === 0) break;
    for (const each of foreign) {
      const fresh = await keyring.rewrapOrganizationKey(each.organizationUid, each.key);
      await replaceOrganizationKey(database.query, each, fresh);
    }
    count += foreign.length;
  }
  await replaceMasterFingerprint(database.query, stored, actual);
  return count;
}

/**
 * Whether the service has ever been started on this database. A master key may be made automatically only while it has not: a new
 * key opens nothing that an old one sealed.
 */
export async function isPrepared(engine: Engine): Promise<boolean> {
  if (!(await hasMasterKeyTable(engine))) return false;
  return (await readMasterFingerprint(openDatabase<ConfigTables>(engine, SCHEMA).query)) !== undefined;
}

function wrongMasterKey(stored: string, actual: string) {
  return state(
    'MASTER_KEY_WRONG',
    `wrong master key: expected fingerprint ${stored}, got ${actual}. Nothing has been changed`,
    {
      hint: 'start with the master key that the data were encrypted with, or give that one as the previous master key to rotate',
      metadata: { expected: stored, actual },
    },
  );
}
