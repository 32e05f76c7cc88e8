import type { AuditRecord } from '@planton/api/common/v1/audit';

/** Merges trails that are newest first into one, and keeps its newest `limit` records. */
export function mergeNewest(trails: readonly (readonly AuditRecord[])[], limit: number): AuditRecord[] {
  return trails.flat().sort(byTime).slice(0, limit);
}

function byTime(a: AuditRecord, b: AuditRecord): number {
  const seconds = (b.recordTime?.seconds ?? 0n) - (a.recordTime?.seconds ?? 0n);
  if (seconds !== 0n) return seconds > 0n ? 1 : -1;
  return (b.recordTime?.nanos ?? 0) - (a.recordTime?.nanos ?? 0);
}
