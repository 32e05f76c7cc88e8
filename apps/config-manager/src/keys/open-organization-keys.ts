import { assertOutsideTransaction, isForeignKeyViolation } from '@planton/database';
import type { OrganizationKey, WrappedOrganizationKey } from '@planton/keyring';
import type { Deps } from '../deps.ts';
import { insertOrganizationKey, KEY_IN_USE, listOrganizationKeys } from './key-store.ts';

/** The unwrapped keys of one organisation, as they were at one moment. */
export interface OrganizationKeys {
  /** Wraps what is new. */
  readonly current: OrganizationKey;
  /** @throws OrganizationKeyChanged for a version that was not there at that moment */
  ofVersion(version: number): OrganizationKey;
}

/** A rotation has been here since the keys were opened. */
export class OrganizationKeyChanged extends Error {
  override readonly name = 'OrganizationKeyChanged';
}

type KeyDeps = Pick<Deps, 'database' | 'keyring'>;

/** Each attempt that fails means a rotation that came in between. */
const ATTEMPTS = 5;

/**
 * Runs `use` with the organisation's keys, and again with fresh ones when a rotation came in between. Opening a key may be a call to
 * a key service, so this is for the outside of a transaction; `use` may open one.
 */
export async function withOrganizationKeys<T>(
  deps: KeyDeps,
  organizationUid: string,
  use: (keys: OrganizationKeys) => Promise<T>,
): Promise<T> {
  assertOutsideTransaction('opening an organisation key');
  for (let attempt = 1; ; attempt++) {
    try {
      return await use(await openOrganizationKeys(deps, organizationUid));
    } catch (error) {
      const changed = error instanceof OrganizationKeyChanged || isForeignKeyViolation(error, KEY_IN_USE);
      if (!changed || attempt >= ATTEMPTS) throw error;
    }
  }
}

async function openOrganizationKeys(deps: KeyDeps, organizationUid: string): Promise<OrganizationKeys> {
  const stored = await ensureOrganizationKeys(deps, organizationUid);
  const opened = await Promise.all(
    stored.map((key) => deps.keyring.unwrapOrganizationKey(organizationUid, key)),
  );
  const byVersion = new Map(opened.map((key) => [key.version, key]));
  const ofVersion = (version: number) => {
    const key = byVersion.get(version);
    if (!key) throw new OrganizationKeyChanged(`there is no organisation key ${version}`);
    return key;
  };
  return { current: ofVersion(Math.max(...byVersion.keys())), ofVersion };
}

/** The stored keys, oldest first; the first use makes one. Of several makers one wins and all use its key. */
export async function ensureOrganizationKeys(
  { database, keyring }: KeyDeps,
  organizationUid: string,
): Promise<WrappedOrganizationKey[]> {
  const stored = await listOrganizationKeys(database.query, organizationUid);
  if (stored.length > 0) return stored;
  const first = await keyring.createOrganizationKey(organizationUid, 1);
  await insertOrganizationKey(database.query, organizationUid, first);
  return listOrganizationKeys(database.query, organizationUid);
}
