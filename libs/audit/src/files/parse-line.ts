import { recordFields, type TrailRecord } from '../records/encode-record.ts';
import type { Checkpoint } from '../seals/checkpoint.ts';
import type { AuditSeal } from '../seals/seal.ts';
import { checkpointLine, recordLine, sealLine } from './format-lines.ts';

/** One line of an exported trail. */
export type TrailLine =
  | {
      readonly type: 'record';
      /** Number of its seal, 0 for a record that had none yet. */
      readonly seal: number;
      /** The hash that the line states. */
      readonly hash: Uint8Array;
      readonly record: TrailRecord;
    }
  | { readonly type: 'seal'; readonly seal: AuditSeal }
  | { readonly type: 'checkpoint'; readonly checkpoint: Checkpoint };

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a line that is, to the byte, as it was written. Throws RangeError that says what is wrong, without repeating values: a text that
 * says the same in another way, or one field twice, can be read in two ways.
 */
export function parseLine(text: string): TrailLine {
  const line = parse(parseObject(text));
  if (formatLine(line) !== text) throw new RangeError('is not as it was written');
  return line;
}

function formatLine(line: TrailLine): string {
  if (line.type === 'record') return recordLine(line.record, line.seal, line.hash);
  return line.type === 'seal' ? sealLine(line.seal) : checkpointLine(line.checkpoint);
}

function parse(fields: Fields): TrailLine {
  switch (fields.type) {
    case 'record':
      return parseRecord(fields);
    case 'seal':
      return { type: 'seal', seal: parseSeal(fields) };
    case 'checkpoint':
      return { type: 'checkpoint', checkpoint: parseCheckpoint(fields) };
    default:
      throw new RangeError('is neither a record nor a seal nor a checkpoint');
  }
}

function parseRecord(fields: Fields): TrailLine {
  const known = recordFields.map((name) => [
    name,
    name === 'sequence' || name === 'version' ? number(fields, name) : text(fields, name),
  ]);
  const { details } = fields;
  const isMap =
    typeof details === 'object' &&
    details !== null &&
    !Array.isArray(details) &&
    Object.values(details).every((value) => typeof value === 'string');
  if (typeof details !== 'string' && !isMap) throw new RangeError('has details that are no texts');
  const record = { ...Object.fromEntries(known), details } as TrailRecord;
  return { type: 'record', seal: number(fields, 'seal'), hash: bytes(fields, 'hash', 'hex'), record };
}

function parseSeal(fields: Fields): AuditSeal {
  return {
    service: text(fields, 'service'),
    organization_uid: text(fields, 'organization_uid'),
    number: number(fields, 'number'),
    previous_hash: bytes(fields, 'previous_hash', 'hex'),
    root: bytes(fields, 'root', 'hex'),
    record_count: number(fields, 'record_count'),
    total_count: number(fields, 'total_count'),
    seal_time: text(fields, 'seal_time'),
    key_id: text(fields, 'key_id'),
    hash: bytes(fields, 'hash', 'hex'),
    public_key: bytes(fields, 'public_key', 'base64'),
    signature: bytes(fields, 'signature', 'base64'),
  };
}

function parseCheckpoint(fields: Fields): Checkpoint {
  return {
    service: text(fields, 'service'),
    organization_uid: text(fields, 'organization_uid'),
    first_seal: number(fields, 'first_seal'),
    seal_number: number(fields, 'seal_number'),
    seal_hash: bytes(fields, 'seal_hash', 'hex'),
    record_count: number(fields, 'record_count'),
    time: text(fields, 'time'),
    key_id: text(fields, 'key_id'),
    public_key: bytes(fields, 'public_key', 'base64'),
    signature: bytes(fields, 'signature', 'base64'),
  };
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new RangeError('is no JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RangeError('is no JSON object');
  }
  return value as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== 'string' || !value.isWellFormed()) throw new RangeError(`has no text "${name}"`);
  return value;
}

function number(fields: Fields, name: string): number {
  const value = fields[name];
  if (!Number.isSafeInteger(value)) throw new RangeError(`has no whole number "${name}"`);
  return value as number;
}

function bytes(fields: Fields, name: string, encoding: 'hex' | 'base64'): Buffer {
  return Buffer.from(text(fields, name), encoding);
}
