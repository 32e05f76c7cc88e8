import { createHash } from 'node:crypto';

/** What every key begins with, so that scanners for leaked secrets can tell one. */
const KEY_MARK = 'planton_';

const KEY_BYTES = 32;

/** The mark, 32 bytes in base64url. */
const KEY_PATTERN = /^planton_[A-Za-z0-9_-]{43}$/;

/** What is stored of a key: not the key. */
export interface KeyTraces {
  readonly hash: Buffer;
  /** First and last characters: enough to recognise the key, 42 bits of its 256. */
  readonly prefix: string;
  readonly lastCharacters: string;
}

/** A new key of 256 random bits. */
export function mintKey(randomBytes: (size: number) => Buffer): string {
  return KEY_MARK + randomBytes(KEY_BYTES).toString('base64url');
}

export function isApiKey(text: string): boolean {
  return KEY_PATTERN.test(text);
}

/**
 * The hash that a key is looked up by. Looking it up in an index leaks nothing through time: a guess controls its hash no
 * better than the key itself.
 */
export function hashKey(key: string): Buffer {
  return createHash('sha256').update(key).digest();
}

export function tracesOf(key: string): KeyTraces {
  return {
    hash: hashKey(key),
    prefix: key.slice(0, KEY_MARK.length + 4),
    lastCharacters: key.slice(-3),
  };
}
