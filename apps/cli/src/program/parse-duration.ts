import { usage } from '../errors/cli-error.ts';

const seconds: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
  y: 31_536_000,
};

/** Reads a duration such as `90d`, `12h` or `1h30m` as seconds. */
export function parseDuration(text: string): bigint {
  if (!/^(?:\d{1,9}[smhdwy])+$/.test(text))
    throw usage('that is no duration', 'write it as 90d, 12h or 1h30m; the units are s, m, h, d, w and y');
  const parts = [...text.matchAll(/(\d+)([smhdwy])/g)];
  return BigInt(parts.reduce((sum, [, count, unit]) => sum + Number(count) * (seconds[unit ?? ''] ?? 0), 0));
}
