import { inspect } from 'node:util';
import type { Logger } from '@planton/rpc';

/** A log in memory. */
export interface CollectedLog {
  readonly logger: Logger;
  /** Everything that was logged, facts, messages and errors with their causes. */
  text(): string;
}

export function collectLog(): CollectedLog {
  const lines: string[] = [];
  const write = (...words: readonly unknown[]) =>
    void lines.push(
      words.map((word) => inspect(word, { depth: 12, breakLength: Number.POSITIVE_INFINITY })).join(' '),
    );
  return { logger: { debug: write, info: write, warn: write, error: write }, text: () => lines.join('\n') };
}
