import type { Timestamp } from '@bufbuild/protobuf/wkt';

const units = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** How long ago a time was, in its largest unit: `3h ago`. A clock that is behind makes it `now`; empty where there is none. */
export function formatAge(time: Timestamp | undefined, now: Date): string {
  if (!time) return '';
  const seconds = Math.floor(now.getTime() / 1000) - Number(time.seconds);
  if (seconds < 1) return 'now';
  const [unit, size] = units.find(([, length]) => seconds >= length) ?? ['s', 1];
  return `${Math.floor(seconds / size)}${unit} ago`;
}
