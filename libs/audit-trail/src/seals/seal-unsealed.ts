import { emptyHead, type SigningKey, sealRecords, type TrailHead, type TrailRecord } from '@planton/audit';
import type { Database } from '@planton/database';
import { markSealed, selectUnsealed } from '../records/record-store.ts';
import type { AuditTables } from '../tables.ts';
import { insertSeals, readClock, selectHeads, selectLastPosition, tryToSeal } from './seal-store.ts';

/** Records that one transaction seals at most. */
export const LARGEST_BATCH = 2_000;
/** Records under one seal at most. */
export const LARGEST_SEAL = 1_000;

/**
 * Seals records that have no seal, the oldest numbers first, however late they were committed. Never waits for whoever writes records, nor
 * makes them wait. Zero where there is nothing to seal or another replica is at it.
 *
 * @returns how many were sealed; there may be more after a full batch
 */
export function sealUnsealed(settings: {
  readonly database: Database<AuditTables>;
  readonly service: string;
  readonly key: SigningKey;
  readonly largest?: number;
}): Promise<number> {
  const { database, service, key, largest = LARGEST_BATCH } = settings;
  return database.transact(async (tx) => {
    if (!(await tryToSeal(tx, database.schema))) return 0;
    const unsealed = (await selectUnsealed(tx, service, largest)).map(({ record }) => record);
    if (unsealed.length === 0) return 0;
    const trails = Map.groupBy(unsealed, ({ organization_uid }) => organization_uid);
    const heads = await selectHeads(tx, [...trails.keys()]);
    const time = await readClock(tx);
    let position = await selectLastPosition(tx);

    const made = [...trails].flatMap(([organization_uid, records]) => {
      const trail = { service, organization_uid };
      let head: TrailHead = heads.get(organization_uid) ?? emptyHead;
      return inParts(records, LARGEST_SEAL).map((part) => {
        const sealed = sealRecords({ trail, head, records: part, time, key });
        head = sealed.seal;
        position += 1;
        return { ...sealed, position, part };
      });
    });
    await insertSeals(tx, made);
    const marks = made.flatMap(({ seal, part }) =>
      part.map(({ uid }) => ({ uid, seal_number: seal.number })),
    );
    await markSealed(tx, database.schema, marks);
    return unsealed.length;
  });
}

function inParts(records: readonly TrailRecord[], size: number): TrailRecord[][] {
  return Array.from({ length: Math.ceil(records.length / size) }, (_, index) =>
    records.slice(index * size, (index + 1) * size),
  );
}
