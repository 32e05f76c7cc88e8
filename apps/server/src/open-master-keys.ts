import { isPrepared } from '@planton/config-manager';
import type { Engine } from '@planton/database';
import { type MasterKey, openMasterKey, parseMasterKeySource } from '@planton/keyring';
import type { ServerSettings } from '@planton/rpc';

/**
 * Opens the master key, and during a rotation the one before. A new one is made for an embedded database that has never
 * been used, and for nothing else: a new key opens nothing that an old one sealed.
 *
 * @throws KeyringError
 */
export async function openMasterKeys(
  settings: ServerSettings,
  engine: Engine,
): Promise<{ readonly master: MasterKey; readonly previous?: MasterKey }> {
  const createIfMissing = settings.databaseUrl === undefined && !(await isPrepared(engine));
  const master = await openMasterKey(parseMasterKeySource(settings.masterKeySource), { createIfMissing });
  if (settings.previousMasterKeySource === undefined) return { master };
  const source = parseMasterKeySource(settings.previousMasterKeySource);
  return { master, previous: await openMasterKey(source, { createIfMissing: false }) };
}
