import { type Database, writeInBatches } from '@planton/database';
import type { ConnectTables } from '../schema.ts';
import { type AuditRecord, insertAuditRecords } from './audit-store.ts';

const LARGEST_BATCH = 256;

/** Writes records that stand alone: those of a change belong into its transaction, see `recordAudit`. */
export interface AuditRecorder {
  /** Resolves when the record is durable. Rejects where it is not: nothing that it is about may leave then. */
  record(record: AuditRecord): Promise<void>;
}

/** Group commit: records that come together share a statement. A record that cannot be written fails alone. */
export function createAuditRecorder(database: Pick<Database<ConnectTables>, 'query'>): AuditRecorder {
  const writer = writeInBatches<AuditRecord, undefined>({
    write: async (records) => {
      await insertAuditRecords(database.query, records);
      return records.map(() => undefined);
    },
    largest: LARGEST_BATCH,
    concurrency: 2,
  });
  return { record: (record) => writer.write(record) };
}
