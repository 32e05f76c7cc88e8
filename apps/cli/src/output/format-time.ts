import type { Timestamp } from '@bufbuild/protobuf/wkt';

/** A time to the second in UTC; empty where there is none. */
export function formatTime(time: Timestamp | undefined): string {
  if (!time) return '';
  return new Date(Number(time.seconds) * 1000).toISOString().replace('.000Z', 'Z');
}
