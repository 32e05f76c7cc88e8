import { createHash, timingSafeEqual } from 'node:crypto';
import type { Keyring, SecretVersionPlace } from '@planton/keyring';
import { invalid } from '@planton/rpc';
import type { OrganizationKeys } from '../keys/open-organization-keys.ts';
import type { EncryptedVersion } from './secret-store.ts';

/** Key to value. In memory only, as short as can be. */
export type Entries = ReadonlyMap<string, string>;

const MOST_ENTRIES = 64;
/** Of one version, keys and values together. */
const MOST_BYTES = 512 * 1024;

/** @throws `SECRET_TOO_LARGE` */
export function checkSize(slug: string, entries: Entries): void {
  let bytes = 0;
  for (const [key, value] of entries) bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  if (entries.size <= MOST_ENTRIES && bytes <= MOST_BYTES) return;
  throw invalid(
    'SECRET_TOO_LARGE',
    `secret "${slug}" would have ${entries.size} entries of ${bytes} bytes: ${MOST_ENTRIES} entries of ${MOST_BYTES} bytes are the limit`,
    { hint: 'spread the entries over several secrets', metadata: { slug } },
  );
}

export interface SealedVersion {
  readonly wrappedDataKey: Buffer;
  readonly organizationKeyVersion: number;
  readonly entries: readonly { readonly key: string; readonly ciphertext: Buffer }[];
}

/** Seals entries under a data key of their own, which the organisation's current key wraps. */
export function sealVersion(
  keyring: Keyring,
  { current }: OrganizationKeys,
  place: SecretVersionPlace,
  entries: Entries,
): SealedVersion {
  const dataKey = keyring.newDataKey(place);
  return {
    wrappedDataKey: keyring.wrapDataKey(current, dataKey),
    organizationKeyVersion: current.version,
    entries: [...entries].map(([key, value]) => ({
      key,
      ciphertext: keyring.sealEntry(dataKey, key, value),
    })),
  };
}

/** @throws KeyringError `tampered` */
export function openVersion(
  keyring: Keyring,
  keys: OrganizationKeys,
  place: Omit<SecretVersionPlace, 'version'>,
  version: EncryptedVersion,
): Entries {
  const organizationKey = keys.ofVersion(version.organizationKeyVersion);
  const dataKey = keyring.unwrapDataKey(
    organizationKey,
    { ...place, version: version.uid },
    version.wrappedDataKey,
  );
  return new Map(
    version.entries.map(({ key, ciphertext }) => [key, openText(keyring, dataKey, key, ciphertext)]),
  );
}

/** The text of one entry. The bytes between are overwritten. */
export function openText(
  keyring: Keyring,
  dataKey: ReturnType<Keyring['unwrapDataKey']>,
  key: string,
  ciphertext: Uint8Array,
): string {
  const bytes = keyring.openEntry(dataKey, key, ciphertext);
  try {
    return bytes.toString('utf8');
  } finally {
    bytes.fill(0);
  }
}

/** Compares values in constant time; which keys there are is no secret. */
export function sameEntries(left: Entries, right: Entries): boolean {
  if (left.size !== right.size) return false;
  let same = true;
  for (const [key, value] of left) {
    const other = right.get(key);
    if (other === undefined) return false;
    same = timingSafeEqual(digest(value), digest(other)) && same;
  }
  return same;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
