import { createHash } from 'node:crypto';
import { decodeFields, encodeFields } from './encode-fields.ts';

/** A record with every fact that a seal covers, named as the columns of the table and the fields of an exported line are. */
export interface TrailRecord {
  /** The service that recorded it. */
  readonly service: string;
  readonly organization_uid: string;
  /** Its place in the order in which the database numbered the service's records. */
  readonly sequence: number;
  readonly uid: string;
  /** RFC 3339 in UTC with six digits after the second. */
  readonly record_time: string;
  readonly action: string;
  readonly actor_uid: string;
  readonly actor_name: string;
  readonly via_service: string;
  readonly api_key_uid: string;
  readonly resource_kind: string;
  readonly resource_uid: string;
  readonly resource_slug: string;
  readonly environment: string;
  readonly version: number;
  readonly request_id: string;
  readonly purpose: string;
  readonly outcome: string;
  readonly peer_address: string;
  /** Text to text; where the table holds something else, that as JSON text, which no service writes. */
  readonly details: Readonly<Record<string, string>> | string;
}

export const RECORD_LABEL = 'planton.audit.record.v1';

/** The fields that are one text each, in the order in which they are encoded. `details` comes last. */
export const recordFields = [
  'service',
  'organization_uid',
  'sequence',
  'uid',
  'record_time',
  'action',
  'actor_uid',
  'actor_name',
  'via_service',
  'api_key_uid',
  'resource_kind',
  'resource_uid',
  'resource_slug',
  'environment',
  'version',
  'request_id',
  'purpose',
  'outcome',
  'peer_address',
] as const satisfies readonly (keyof TrailRecord)[];

const numbers: ReadonlySet<string> = new Set(['sequence', 'version']);

/**
 * The one encoding of a record, version 1. Two records that differ anywhere have different encodings; the order of the keys of `details` in
 * memory is of no account.
 */
export function encodeRecord(record: TrailRecord): Buffer {
  return encodeFields([
    RECORD_LABEL,
    ...recordFields.map((field) => String(record[field])),
    encodeDetails(record.details),
  ]);
}

/** The inverse of `encodeRecord`. Throws RangeError for what it did not make. */
export function decodeRecord(bytes: Uint8Array): TrailRecord {
  const [label, ...fields] = decodeFields(bytes);
  if (label?.toString() !== RECORD_LABEL || fields.length !== recordFields.length + 1) {
    throw new RangeError('this is no record of version 1');
  }
  const texts = recordFields.map((name, index) => {
    const text = (fields[index] as Buffer).toString();
    return [name, numbers.has(name) ? Number(text) : text];
  });
  return {
    ...Object.fromEntries(texts),
    details: decodeDetails(fields.at(-1) as Buffer),
  } as TrailRecord;
}

export function hashRecord(record: TrailRecord): Buffer {
  return createHash('sha256').update(encodeRecord(record)).digest();
}

function encodeDetails(details: TrailRecord['details']): Buffer {
  if (typeof details === 'string') return encodeFields(['json', details]);
  const sorted = Object.entries(details).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return encodeFields(['map', ...sorted.flat()]);
}

function decodeDetails(bytes: Buffer): TrailRecord['details'] {
  const [kind, ...texts] = decodeFields(bytes).map(String);
  if (kind === 'json' && texts.length === 1) return texts[0] ?? '';
  if (kind !== 'map' || texts.length % 2 !== 0) throw new RangeError('these are no details');
  const pairs = texts.flatMap((key, index) => (index % 2 === 0 ? [[key, texts[index + 1] ?? '']] : []));
  return Object.fromEntries(pairs);
}
