export { checkpointLine, recordLine, sealLine } from './files/format-lines.ts';
export { parseLine, type TrailLine } from './files/parse-line.ts';
export { type FileFinding, type FileReport, verifyLines } from './files/verify-lines.ts';
export {
  createSigningKey,
  formatPublicKey,
  keyIdOf,
  parsePublicKey,
  SEED_BYTES,
  type SigningKey,
} from './keys/signing-key.ts';
export type { TrailRecord } from './records/encode-record.ts';
export { formatExactTime, parseExactTime } from './records/exact-time.ts';
export { checkSeal, type Finding, type FindingKind } from './seals/check-seal.ts';
export { type Checkpoint, isCheckpointSigned, signCheckpoint } from './seals/checkpoint.ts';
export type { SealEntry } from './seals/merkle-root.ts';
export {
  type AuditSeal,
  emptyHead,
  headOf,
  sealRecords,
  type TrailHead,
  type TrailName,
} from './seals/seal.ts';
