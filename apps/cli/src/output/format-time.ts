import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** A time to the second in UTC; empty where there is none, or one that no calendar has. */
export function formatTime(time: Timestamp | undefined): string {
  const date = new Date(Number(time?.seconds ?? Number.NaN) * 1000);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString().replace('.000Z', 'Z');
}
