import { createHmac, type KeyObject, randomBytes } from 'node:crypto';
import { createKeyFile, readKeyFile } from './keep-key-file.ts';
import { KeyringError } from './keyring-error.ts';
import type { MasterKeySource } from './parse-master-key-source.ts';
import { intoKey, KEY_BYTES, open, type RandomBytes, seal, withKeyBytes } from './seal.ts';

/**
 * The root of the hierarchy; it encrypts organisation keys only. Asynchronous, so that a key service can be one; that one's failures
 * to answer pass through as they are.
 */
export interface MasterKey {
  /** 32 hexadecimal digits that identify the key and reveal nothing of it. Stored beside what the key wrapped. */
  readonly fingerprint: string;
  wrap(key: Uint8Array, context: Uint8Array): Promise<Buffer>;
  /** Rejects with KeyringError `tampered`. The caller overwrites the result after use. */
  unwrap(wrapped: Uint8Array, context: Uint8Array): Promise<Buffer>;
}

export interface OpenMasterKeyOptions {
  /**
   * Makes the key if its file is missing. Only for a database that is still empty: a new key opens nothing that an old one sealed.
   * An environment variable is never made.
   */
  readonly createIfMissing: boolean;
  /** Default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly random?: RandomBytes;
}

/**
 * Reads 32 bytes in base64 from the source.
 *
 * @throws KeyringError `master_key_missing`, `master_key_malformed`, `master_key_permissions`
 */
export async function openMasterKey(
  source: MasterKeySource,
  options: OpenMasterKeyOptions,
): Promise<MasterKey> {
  const random = options.random ?? randomBytes;
  const bytes =
    source.kind === 'env'
      ? readVariable(source.name, options.env ?? process.env)
      : await readOrCreate(source.path, options.createIfMissing, random);
  return createLocalMasterKey(intoKey(bytes), random);
}

function createLocalMasterKey(key: KeyObject, random: RandomBytes): MasterKey {
  return {
    fingerprint: fingerprintOf(key),
    wrap: async (bytes, context) => seal(key, bytes, context, random),
    unwrap: async (wrapped, context) => open(key, wrapped, context),
  };
}

/** A keyed hash of a fixed label: without the key it is as good as random, and nothing else ever hashes that label with it. */
function fingerprintOf(key: KeyObject): string {
  return withKeyBytes(key, (bytes) =>
    createHmac('sha256', bytes).update('planton/master-key-fingerprint/v1').digest('hex').slice(0, 32),
  );
}

async function readOrCreate(path: string, createIfMissing: boolean, random: RandomBytes): Promise<Buffer> {
  const text = (await readKeyFile(path)) ?? (createIfMissing ? await createFile(path, random) : undefined);
  if (text === undefined) {
    throw new KeyringError(
      'master_key_missing',
      `the master key file ${path} does not exist: restore it from your backup, or, for a new installation, run: (umask 077; openssl rand -base64 ${KEY_BYTES} > ${path})`,
    );
  }
  return decodeKey(text, `the master key file ${path}`);
}

async function createFile(path: string, random: RandomBytes): Promise<string | undefined> {
  const bytes = random(KEY_BYTES);
  try {
    await createKeyFile(path, bytes.toString('base64'));
  } finally {
    bytes.fill(0);
  }
  return readKeyFile(path);
}

function readVariable(name: string, env: Readonly<Record<string, string | undefined>>): Buffer {
  const text = env[name];
  if (text === undefined || text === '') {
    throw new KeyringError(
      'master_key_missing',
      `the environment variable ${name} holds no master key: set it to the output of: openssl rand -base64 ${KEY_BYTES}`,
    );
  }
  return decodeKey(text, `the environment variable ${name}`);
}

/** Strict, because Node skips what is not base64: a damaged text would silently become another key. */
function decodeKey(text: string, place: string): Buffer {
  const encoded = text.replace(/\r?\n$/, '');
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length !== KEY_BYTES || bytes.toString('base64') !== encoded) {
    bytes.fill(0);
    throw new KeyringError(
      'master_key_malformed',
      `${place} does not hold ${KEY_BYTES} bytes in base64 (44 characters): make such a text with: openssl rand -base64 ${KEY_BYTES}`,
    );
  }
  return bytes;
}
