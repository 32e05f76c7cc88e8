import { type Database, writeInBatches } from '@planton/database';
import type { ConfigTables } from '../schema.ts';
import { type Resolved, type ResolveQuery, resolveAndRecord } from './resolve-store.ts';

const LARGEST_BATCH = 64;

/** Resolves what a query names, with the reads on record, in a statement that those who ask at the same time share. */
export type Resolver = (query: ResolveQuery) => Promise<readonly Resolved[]>;

export function createResolver(database: Database<ConfigTables>): Resolver {
  const make = () =>
    writeInBatches<ResolveQuery, readonly Resolved[]>({
      write: (queries) => resolveAndRecord(database.query, queries),
      largest: LARGEST_BATCH,
      concurrency: 2,
    });
  const [named, registered] = [make(), make()];
  return (query) => (query.ownerUid === undefined ? named : registered).write(query);
}
