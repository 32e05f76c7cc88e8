import { createHash } from 'node:crypto';

/** The same for the same ARN, so that a restart changes nothing. 21 characters, as AWS's are. */
export function deriveUniqueId(prefix: 'AIDA' | 'AROA', arn: string): string {
  const digest = createHash('sha256').update(arn).digest();
  return prefix + encodeLetters(digest.subarray(0, 17));
}

/** One character per byte, of the alphabet that AWS uses for ids. */
export function encodeLetters(bytes: Uint8Array): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return Array.from(bytes, (byte) => alphabet[byte % 32]).join('');
}
