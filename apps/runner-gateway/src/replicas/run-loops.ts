import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@planton/rpc';

/** Work that is done again and again. */
export interface Loop {
  /** For the log: a noun phrase such as `ending what is due`. */
  readonly what: string;
  readonly everyMs: number;
  readonly work: () => Promise<unknown>;
}

/**
 * Runs loops until they are stopped, each with jitter, so that replicas which start together do not stay in step. What fails is logged and
 * done again.
 */
export function runLoops(
  loops: readonly Loop[],
  { logger, random }: { readonly logger: Logger; readonly random: () => number },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const run = async ({ what, everyMs, work }: Loop) => {
    let failing = false;
    while (!stopping.signal.aborted) {
      const pause = everyMs * (0.75 + random() / 2);
      await sleep(pause, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      if (stopping.signal.aborted) return;
      try {
        await work();
        failing = false;
      } catch (error) {
        // A database that is away for an hour is one line for each loop.
        if (!failing) logger.warn({ error }, `${what} failed and is tried again`);
        failing = true;
      }
    }
  };
  const running = Promise.all(loops.map(run));
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
