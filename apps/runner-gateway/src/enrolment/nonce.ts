import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';

/**
 * A nonce of recovery is kept by nobody until it is used: 1 byte of format, 8 of the time that it ends (milliseconds since the epoch, big
 * endian), 16 random ones, and HMAC-SHA256 over all of it and the uid of the instance that asked.
 */
const FORMAT = 1;
const TIME_BYTES = 8;
const RANDOM_BYTES = 16;
const HEAD_BYTES = 1 + TIME_BYTES + RANDOM_BYTES;
const NONCE_BYTES = HEAD_BYTES + 32;
const LIFETIME_MS = 60_000;

const PURPOSE = 'planton/runner-recovery-nonce/v1';

/** Makes a nonce that is good for a minute, for this instance. */
export function mintNonce(
  key: KeyObject,
  instanceUid: string,
  now: Date,
  randomBytes: (size: number) => Buffer,
): Buffer {
  const time = Buffer.alloc(TIME_BYTES);
  time.writeBigUInt64BE(BigInt(now.getTime() + LIFETIME_MS));
  const head = Buffer.concat([Buffer.of(FORMAT), time, randomBytes(RANDOM_BYTES)]);
  return Buffer.concat([head, authenticate(key, instanceUid, head)]);
}

/**
 * When the nonce ends; undefined for one that has ended, or that was not made with this key for this instance. Whether it was used is
 * for the database to say.
 */
export function checkNonce(
  key: KeyObject,
  instanceUid: string,
  nonce: Uint8Array,
  now: Date,
): Date | undefined {
  if (nonce.length !== NONCE_BYTES) return undefined;
  const bytes = Buffer.from(nonce);
  const head = bytes.subarray(0, HEAD_BYTES);
  if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), authenticate(key, instanceUid, head))) return undefined;
  const end = Number(head.readBigUInt64BE(1));
  // The clocks of replicas differ, but none of them makes a nonce that is good for longer than this.
  return end > now.getTime() && end <= now.getTime() + 2 * LIFETIME_MS ? new Date(end) : undefined;
}

function authenticate(key: KeyObject, instanceUid: string, head: Uint8Array): Buffer {
  return createHmac('sha256', key).update(`${PURPOSE}\0${instanceUid}\0`).update(head).digest();
}
