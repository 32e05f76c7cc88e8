import { setTimeout as sleep } from 'node:timers/promises';
import type { Deps } from '../deps.ts';
import { deliverDueReferences } from './deliver-references.ts';
import { reconcileReferences } from './reconcile-references.ts';

const DELIVER_EVERY_MS = 2_000;
const RECONCILE_EVERY_MS = 30_000;

/** The background work on references: one loop that delivers, one that reconciles, from the start on. */
export function keepReferences(deps: Deps): { start(): void; stop(): Promise<void> } {
  const stopping = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  const loop = async (what: string, everyMs: number, work: () => Promise<unknown>) => {
    while (!stopping.signal.aborted) {
      try {
        await work();
      } catch (error) {
        if (!stopping.signal.aborted) deps.logger.warn({ error }, `${what} failed and is tried again`);
      }
      const pause = everyMs * (0.5 + deps.random());
      await sleep(pause, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
    }
  };

  return {
    start: () => {
      running = Promise.all([
        loop('delivering references', DELIVER_EVERY_MS, () => deliverDueReferences(deps)),
        loop('reconciling references', RECONCILE_EVERY_MS, () => reconcileReferences(deps)),
      ]);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
