import type { MessageInitShape } from '@bufbuild/protobuf';
import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  AuditCheckpointSchema,
  AuditSealSchema,
  SealedAuditRecordSchema,
} from '@planton/api/common/v1/audit_trail';
import { emptyHead, headOf, signCheckpoint } from '@planton/audit';
import { decodePageToken, encodePageToken, pageTokenInvalid, state } from '@planton/rpc';
import { type TrailDeps, trailOf } from '../trail-deps.ts';
import { readSeals, type SealWithRecords } from './read-seals.ts';
import { checkpointMessage, sealedRecordMessage, sealMessage } from './seal-message.ts';
import { readClock, selectRange } from './seal-store.ts';

export interface ExportRequest {
  readonly instance: boolean;
  readonly pageToken: string;
  readonly since?: Timestamp | undefined;
  readonly until?: Timestamp | undefined;
}

export interface ExportResponse {
  readonly seals: MessageInitShape<typeof AuditSealSchema>[];
  readonly records: MessageInitShape<typeof SealedAuditRecordSchema>[];
  readonly checkpoint?: MessageInitShape<typeof AuditCheckpointSchema>;
  readonly nextPageToken: string;
}

/** What is exported, fixed with the first page, and how far it has come. */
interface Progress {
  readonly first: number;
  readonly last: number;
  readonly after: number;
}

/** Reads whole seals with their records, page by page, and signs on the last one what was exported. */
export function exportAuditTrail(deps: TrailDeps) {
  const { database, key } = deps;
  return async (request: ExportRequest, context: HandlerContext): Promise<ExportResponse> => {
    const trail = trailOf(deps, request, context);
    if (!key) {
      throw state('AUDIT_NOT_SEALED', `${deps.service} has no key to seal its audit trail with`, {
        hint: 'set PLANTON_AUDIT_KEY_SOURCE and start the service again',
      });
    }
    const since = request.since && timestampDate(request.since);
    const until = request.until && timestampDate(request.until);
    const query = JSON.stringify(['export', trail, since ?? null, until ?? null]);
    const started = progressOf(decodePageToken(request.pageToken, query));
    return database.transact(
      async (tx) => {
        const progress = started ?? begin(await selectRange(tx, trail.organization_uid, since, until));
        if (progress === undefined) {
          const nothing = signCheckpoint(trail, emptyHead, 0, await readClock(tx), key);
          return { seals: [], records: [], checkpoint: checkpointMessage(nothing), nextPageToken: '' };
        }
        const { first, last, after } = progress;
        const page = await readSeals(tx, trail, { after, last });
        const end = page.seals.at(-1)?.seal;
        const parts = {
          seals: page.seals.map(({ seal }) => sealMessage(seal)),
          records: page.seals.flatMap(recordMessages),
        };
        if (!page.isLast && end) {
          const place = [first, last, end.number].map(String);
          return { ...parts, nextPageToken: encodePageToken(place, query) };
        }
        const head = end ? headOf(end) : emptyHead;
        const checkpoint = signCheckpoint(trail, head, first, await readClock(tx), key);
        return { ...parts, checkpoint: checkpointMessage(checkpoint), nextPageToken: '' };
      },
      { isolation: 'repeatable read', access: 'read only' },
    );
  };
}

function begin(range: { readonly first: number; readonly last: number } | undefined): Progress | undefined {
  return range && { ...range, after: range.first - 1 };
}

function progressOf(parts: readonly string[] | undefined): Progress | undefined {
  if (parts === undefined) return undefined;
  const [first, last, after, ...more] = parts.map(Number);
  const numbers = [first, last, after];
  if (more.length > 0 || !numbers.every((each) => Number.isSafeInteger(each) && Number(each) >= 0)) {
    throw pageTokenInvalid();
  }
  return { first: Number(first), last: Number(last), after: Number(after) };
}

/** In the order of the seal; what it does not list comes last. */
function recordMessages({ entries = [], records }: SealWithRecords) {
  const places = new Map(entries.map((entry, index) => [entry.uid, { entry, index }]));
  return records
    .map((stored) => ({ stored, place: places.get(stored.record.uid) }))
    .sort((a, b) => (a.place?.index ?? Infinity) - (b.place?.index ?? Infinity) || 0)
    .map(({ stored, place }) => sealedRecordMessage(stored, place?.entry));
}
