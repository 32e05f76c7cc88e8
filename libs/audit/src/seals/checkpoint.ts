import { isSignedBy, keyIdOf, type SigningKey } from '../keys/signing-key.ts';
import { encodeFields } from '../records/encode-fields.ts';
import type { TrailHead, TrailName } from './seal.ts';

/** What a service once signed about where a trail stood. Kept elsewhere, it shows that the trail was cut or set back. */
export interface Checkpoint extends TrailName {
  /** The first seal of what was exported with it. */
  readonly first_seal: number;
  /** The last one; 0 for a trail without seals. */
  readonly seal_number: number;
  readonly seal_hash: Uint8Array;
  readonly record_count: number;
  /** When it was signed. RFC 3339. */
  readonly time: string;
  readonly key_id: string;
  readonly public_key: Uint8Array;
  readonly signature: Uint8Array;
}

export const CHECKPOINT_LABEL = 'planton.audit.checkpoint.v1';

type Unsigned = Omit<Checkpoint, 'signature' | 'public_key'>;

export function encodeCheckpoint(checkpoint: Unsigned): Buffer {
  return encodeFields([
    CHECKPOINT_LABEL,
    checkpoint.service,
    checkpoint.organization_uid,
    String(checkpoint.first_seal),
    String(checkpoint.seal_number),
    checkpoint.seal_hash,
    String(checkpoint.record_count),
    checkpoint.time,
    checkpoint.key_id,
  ]);
}

export function signCheckpoint(
  trail: TrailName,
  head: TrailHead,
  firstSeal: number,
  time: string,
  key: SigningKey,
): Checkpoint {
  const unsigned: Unsigned = {
    service: trail.service,
    organization_uid: trail.organization_uid,
    first_seal: firstSeal,
    seal_number: head.number,
    seal_hash: head.hash,
    record_count: head.total_count,
    time,
    key_id: key.keyId,
  };
  return { ...unsigned, public_key: key.publicKey, signature: key.sign(encodeCheckpoint(unsigned)) };
}

/** Whether its own key signed it. Whose key that is, is another question. */
export function isCheckpointSigned(checkpoint: Checkpoint): boolean {
  return (
    keyIdOf(checkpoint.public_key) === checkpoint.key_id &&
    isSignedBy(checkpoint.public_key, encodeCheckpoint(checkpoint), checkpoint.signature)
  );
}
