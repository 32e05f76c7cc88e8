import { createHash } from 'node:crypto';
import { encodeFields } from '../records/encode-fields.ts';

/** What a seal says of a record: which one, and the hash of its encoding. */
export interface SealEntry {
  readonly uid: string;
  readonly hash: Uint8Array;
}

/**
 * The root of the Merkle tree over the entries, in their order: a leaf is the hash of 0 and the entry, an inner node the hash of 1 and
 * its two children, and the left child holds the largest power of two of leaves that leaves some for the right one.
 *
 * @param entries at least one
 */
export function merkleRoot(entries: readonly SealEntry[]): Buffer {
  if (entries.length === 0) throw new RangeError('a tree has at least one leaf');
  return fold(entries.map(({ uid, hash }) => digest(0, encodeFields([uid, hash]))));
}

function fold(nodes: readonly Buffer[]): Buffer {
  const [only] = nodes;
  if (only !== undefined && nodes.length === 1) return only;
  const left = 2 ** Math.floor(Math.log2(nodes.length - 1));
  return digest(1, fold(nodes.slice(0, left)), fold(nodes.slice(left)));
}

function digest(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256').update(Uint8Array.of(kind));
  for (const part of parts) hash.update(part);
  return hash.digest();
}
