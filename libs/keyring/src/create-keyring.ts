import { createHash, type KeyObject, randomBytes } from 'node:crypto';
import { equal, wrongMasterKey } from './check-fingerprint.ts';
import { encodeContext } from './encode-context.ts';
import type { MasterKey } from './open-master-key.ts';
import { intoKey, KEY_BYTES, open, type RandomBytes, seal, withKeyBytes } from './seal.ts';

export interface KeyringSettings {
  /** Wraps and unwraps. */
  readonly master: MasterKey;
  /** During a rotation: unwraps what it wrapped before, and wraps nothing. */
  readonly previous?: MasterKey;
  readonly random?: RandomBytes;
}

/** What is stored of an organisation key. */
export interface WrappedOrganizationKey {
  /** 1 for the first, one more at each rotation. */
  readonly version: number;
  readonly masterFingerprint: string;
  readonly wrapped: Uint8Array;
}

/** In memory only; the key prints as an empty object. */
export interface OrganizationKey {
  readonly organization: string;
  readonly version: number;
  readonly key: KeyObject;
}

/** The place of a secret version, by uids. */
export interface SecretVersionPlace {
  readonly organization: string;
  readonly secret: string;
  readonly version: string;
}

/** Encrypts the entries of one secret version. In memory only, as short as can be. */
export interface DataKey {
  readonly place: SecretVersionPlace;
  readonly key: KeyObject;
}

/**
 * Envelope encryption: the master key wraps organisation keys, an organisation key wraps data keys, a data key seals the entries of one
 * secret version. Every ciphertext is bound to its place, so one moved to another row, by whoever can write to the database, does not
 * open. Storing what is wrapped and sealed is the caller's part.
 *
 * To rotate an organisation key, `rewrapDataKey` each data key; to rotate the master key, `rewrapOrganizationKey` each organisation
 * key. Neither touches a secret.
 *
 * All that opens or unwraps fails with KeyringError `tampered`; what needs the master key also with `wrong_master_key`.
 */
export interface Keyring {
  /** Of the current master key. */
  readonly masterFingerprint: string;

  createOrganizationKey(organization: string, version: number): Promise<WrappedOrganizationKey>;
  unwrapOrganizationKey(organization: string, stored: WrappedOrganizationKey): Promise<OrganizationKey>;
  /** Under the current master key; the same object if it is already. */
  rewrapOrganizationKey(
    organization: string,
    stored: WrappedOrganizationKey,
  ): Promise<WrappedOrganizationKey>;
  /** Drops every unwrapped organisation key from memory. */
  forgetOrganizationKeys(): void;

  newDataKey(place: SecretVersionPlace): DataKey;
  /** @throws RangeError when the keys are of different organisations */
  wrapDataKey(organizationKey: OrganizationKey, dataKey: DataKey): Buffer;
  unwrapDataKey(organizationKey: OrganizationKey, place: SecretVersionPlace, wrapped: Uint8Array): DataKey;
  rewrapDataKey(
    from: OrganizationKey,
    to: OrganizationKey,
    place: SecretVersionPlace,
    wrapped: Uint8Array,
  ): Buffer;

  /**
   * Text is sealed as UTF-8. The caller's bytes are left as they are.
   *
   * @throws TypeError for text with lone surrogates
   */
  sealEntry(dataKey: DataKey, entryKey: string, plaintext: string | Uint8Array): Buffer;
  /** The caller may overwrite the result after use; text made from it cannot be. */
  openEntry(dataKey: DataKey, entryKey: string, sealed: Uint8Array): Buffer;
}

/**
 * Unwrapped organisation keys are kept, because every read of a secret needs one and a key service answers in tens of milliseconds and
 * charges for it. They are few and the master key is in the same memory, so nothing is given away; the bound is for hosts of very many
 * organisations, and the one used longest ago goes first.
 */
const MOST_KEPT_KEYS = 256;

export function createKeyring({ master, previous, random = randomBytes }: KeyringSettings): Keyring {
  const kept = new Map<string, Promise<OrganizationKey>>();

  function masterOf(stored: WrappedOrganizationKey): MasterKey {
    if (equal(stored.masterFingerprint, master.fingerprint)) return master;
    if (previous !== undefined && equal(stored.masterFingerprint, previous.fingerprint)) return previous;
    throw wrongMasterKey();
  }

  function unwrapBytes(organization: string, stored: WrappedOrganizationKey): Promise<Buffer> {
    const source = masterOf(stored);
    return source.unwrap(stored.wrapped, organizationKeyContext(organization, stored.version, source));
  }

  async function wrapBytes(
    organization: string,
    version: number,
    bytes: Buffer,
  ): Promise<WrappedOrganizationKey> {
    try {
      const wrapped = await master.wrap(bytes, organizationKeyContext(organization, version, master));
      return { version, masterFingerprint: master.fingerprint, wrapped };
    } finally {
      bytes.fill(0);
    }
  }

  function keep(name: string, unwrap: () => Promise<OrganizationKey>): Promise<OrganizationKey> {
    const known = kept.get(name);
    kept.delete(name);
    const key = known ?? unwrap();
    kept.set(name, key);
    if (known === undefined) {
      key.catch(() => {
        if (kept.get(name) === key) kept.delete(name);
      });
      const [oldest] = kept.keys();
      if (kept.size > MOST_KEPT_KEYS && oldest !== undefined) kept.delete(oldest);
    }
    return key;
  }

  const wrapDataKey: Keyring['wrapDataKey'] = (organizationKey, dataKey) => {
    const context = dataKeyContext(organizationKey, dataKey.place);
    return withKeyBytes(dataKey.key, (bytes) => seal(organizationKey.key, bytes, context, random));
  };
  const unwrapDataKey: Keyring['unwrapDataKey'] = (organizationKey, place, wrapped) => {
    const context = dataKeyContext(organizationKey, place);
    return { place, key: intoKey(open(organizationKey.key, wrapped, context)) };
  };

  return {
    masterFingerprint: master.fingerprint,
    createOrganizationKey: async (organization, version) => {
      assertVersion(version);
      return wrapBytes(organization, version, random(KEY_BYTES));
    },
    unwrapOrganizationKey: async (organization, stored) =>
      keep(nameKept(organization, stored), async () => ({
        organization,
        version: stored.version,
        key: intoKey(await unwrapBytes(organization, stored)),
      })),
    rewrapOrganizationKey: async (organization, stored) => {
      if (masterOf(stored) === master) return stored;
      return wrapBytes(organization, stored.version, await unwrapBytes(organization, stored));
    },
    forgetOrganizationKeys: () => kept.clear(),

    newDataKey: (place) => ({ place, key: intoKey(random(KEY_BYTES)) }),
    wrapDataKey,
    unwrapDataKey,
    rewrapDataKey: (from, to, place, wrapped) => wrapDataKey(to, unwrapDataKey(from, place, wrapped)),

    sealEntry: (dataKey, entryKey, plaintext) => {
      const context = entryContext(dataKey.place, entryKey);
      if (typeof plaintext !== 'string') return seal(dataKey.key, plaintext, context, random);
      if (!plaintext.isWellFormed())
        throw new TypeError('the text is not well-formed Unicode, so UTF-8 would alter it');
      const bytes = Buffer.from(plaintext, 'utf8');
      try {
        return seal(dataKey.key, bytes, context, random);
      } finally {
        bytes.fill(0);
      }
    },
    openEntry: (dataKey, entryKey, sealed) =>
      open(dataKey.key, sealed, entryContext(dataKey.place, entryKey)),
  };
}

/** The first part is the purpose: it keeps the three kinds of ciphertext apart even under one key. */
function organizationKeyContext(organization: string, version: number, master: MasterKey): Buffer {
  return encodeContext(['planton/organization-key', organization, String(version), master.fingerprint]);
}

function dataKeyContext(organizationKey: OrganizationKey, place: SecretVersionPlace): Buffer {
  if (organizationKey.organization !== place.organization) {
    throw new RangeError('the organization key is of another organization than the secret version');
  }
  const { organization, secret, version } = place;
  return encodeContext(['planton/data-key', organization, secret, version, String(organizationKey.version)]);
}

function entryContext({ organization, secret, version }: SecretVersionPlace, entryKey: string): Buffer {
  return encodeContext(['planton/entry', organization, secret, version, entryKey]);
}

/** By everything that decides whether it unwraps, so that a kept key never answers for a tampered row. */
function nameKept(organization: string, stored: WrappedOrganizationKey): string {
  const place = encodeContext([organization, String(stored.version), stored.masterFingerprint]);
  return createHash('sha256').update(place).update(stored.wrapped).digest('base64');
}

function assertVersion(version: number): void {
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new RangeError('the version of an organization key is a whole number from 1');
  }
}
