import { setTimeout as sleep } from 'node:timers/promises';
import type { Deps } from '../deps.ts';
import { claimDueConnections } from './verification-store.ts';
import { verifyDue } from './verify-due.ts';

/** How many connections a replica verifies at once. */
const CONCURRENCY = 4;
/** Longer than any verification takes, so that none is claimed twice while it goes on. */
const LEASE_SECONDS = 300;

/** The schedule: verifies connections that are due, a few at a time, from the start on. Any number of replicas may run it. */
export function keepVerifications(deps: Deps): { start(): void; stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const active = new Set<Promise<void>>();
  let wake = () => {};
  let running: Promise<void> = Promise.resolve();

  /** @returns whether more may be due than there was room for */
  const take = async (): Promise<boolean> => {
    const room = CONCURRENCY - active.size;
    const claimed = await claimDueConnections(deps.database.query, room, LEASE_SECONDS);
    for (const connection of claimed) {
      const verifying = verifyDue(deps, connection, signal).finally(() => {
        active.delete(verifying);
        wake();
      });
      active.add(verifying);
    }
    return claimed.length === room;
  };

  const loop = async () => {
    signal.addEventListener('abort', () => wake());
    while (!signal.aborted) {
      let more = false;
      try {
        more = await take();
      } catch (error) {
        if (!signal.aborted)
          deps.logger.warn({ error }, 'claiming due connections failed and is tried again');
      }
      if (more) {
        while (active.size === CONCURRENCY && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        continue;
      }
      const pause = deps.verification.pollMs * (0.5 + deps.random());
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
    }
    await Promise.all(active);
  };

  return {
    start: () => {
      running = loop();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
