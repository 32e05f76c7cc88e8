import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';

/** Signs seals and checkpoints. Never in the database. */
export interface SigningKey {
  /** 32 hexadecimal digits that identify the public key. */
  readonly keyId: string;
  /** The 32 bytes of an Ed25519 public key. */
  readonly publicKey: Buffer;
  sign(bytes: Uint8Array): Buffer;
}

export const SEED_BYTES = 32;
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** @param seed 32 random bytes; the caller overwrites them after use */
export function createSigningKey(seed: Uint8Array): SigningKey {
  if (seed.length !== SEED_BYTES) throw new RangeError(`a seed has ${SEED_BYTES} bytes`);
  const der = Buffer.concat([PRIVATE_PREFIX, seed]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  der.fill(0);
  const publicKey = createPublicKey(key)
    .export({ format: 'der', type: 'spki' })
    .subarray(PUBLIC_PREFIX.length);
  return { keyId: keyIdOf(publicKey), publicKey, sign: (bytes) => sign(null, bytes, key) };
}

/** The first 16 bytes of the public key's SHA-256, as hexadecimal digits. */
export function keyIdOf(publicKey: Uint8Array): string {
  return createHash('sha256').update(publicKey).digest('hex').slice(0, 32);
}

/** False for whatever is no signature, and for a key that is none. */
export function isSignedBy(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({
      key: Buffer.concat([PUBLIC_PREFIX, publicKey]),
      format: 'der',
      type: 'spki',
    });
    return publicKey.length === SEED_BYTES && verify(null, bytes, key, signature);
  } catch {
    return false;
  }
}

/** Reads a public key of 32 bytes in base64, as `planton audit verify` prints it. Undefined for anything else. */
export function parsePublicKey(text: string): Buffer | undefined {
  const encoded = text.trim().replace(/^ed25519:/, '');
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.length === SEED_BYTES && bytes.toString('base64') === encoded ? bytes : undefined;
}

export function formatPublicKey(publicKey: Uint8Array): string {
  return `ed25519:${Buffer.from(publicKey).toString('base64')}`;
}
