import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { usage } from '../errors/cli-error.ts';
import { parseDuration } from '../program/parse-duration.ts';
import type { Cli } from '../terminal/terminal.ts';

type Time = Pick<Timestamp, 'seconds' | 'nanos'>;

export const sinceHelp = 'only from this time on: a duration such as 24h, or a time in RFC 3339';

/** Options of a command about a stretch of time. */
export interface TimeOptions {
  readonly since?: string;
  readonly until?: string;
}

/** The stretch of time as requests take it. Throws where something else was typed. */
export function readTimes(cli: Cli, options: TimeOptions): { since?: Time; until?: Time } {
  const since = readTime(cli, options.since);
  const until = readTime(cli, options.until);
  return { ...(since ? { since } : {}), ...(until ? { until } : {}) };
}

function readTime(cli: Cli, text: string | undefined): Time | undefined {
  if (text === undefined) return undefined;
  if (/^\d{4}-/.test(text)) {
    const milliseconds = Date.parse(text);
    if (Number.isNaN(milliseconds))
      throw usage(`${text} is no time`, 'write it as 2026-01-31T12:00:00Z, or as 24h');
    return timestampOf(milliseconds);
  }
  return timestampOf(cli.now().getTime() - Number(parseDuration(text)) * 1000);
}

function timestampOf(milliseconds: number): Time {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}
