import { setTimeout as sleep } from 'node:timers/promises';
import type { Deps } from '../deps.ts';
import { advanceSetup } from './advance-setup.ts';
import { retireOwnedSecrets } from './retire-owned-secrets.ts';
import { claimDueSetups, type DueSetup } from './trust-setup-store.ts';

/** How many set-ups a replica carries on at once. */
const CONCURRENCY = 4;
/** Seconds of the lease that are left when an attempt is given up, so that none goes on once another replica may have claimed it. */
const LEASE_MARGIN = 5;
const SWEEP_INTERVAL_MS = 30_000;

/**
 * Carries open set-ups on, from the start on: whether or not a stack calls back, and after whatever crash. Any number of replicas may run
 * it. It retires the external IDs that nothing uses any more, too.
 */
export function keepTrustSetups(deps: Deps): { start(): void; stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const active = new Set<Promise<void>>();
  const externalIds = rememberExternalIds(deps);
  let running: Promise<unknown> = Promise.resolve();

  const advance = async (setup: DueSetup) => {
    const limit = AbortSignal.timeout((deps.setupPace.lease - LEASE_MARGIN) * 1_000);
    try {
      await advanceSetup(deps, setup, externalIds.read, AbortSignal.any([signal, limit]));
    } catch (error) {
      if (!signal.aborted)
        deps.logger.warn({ setup: setup.uid, error }, 'a set-up was not carried on and is tried again');
    }
  };
  const look = async () => {
    const due = await claimDueSetups(deps.database.query, CONCURRENCY - active.size, deps.setupPace.lease);
    for (const setup of due) {
      const advancing = advance(setup).finally(() => active.delete(advancing));
      active.add(advancing);
    }
  };
  const repeat = async (pauseMs: number, what: string, act: () => Promise<void>) => {
    while (!signal.aborted) {
      try {
        await act();
      } catch (error) {
        if (!signal.aborted) deps.logger.warn({ error }, `${what} failed and is tried again`);
      }
      await sleep(pauseMs * (0.5 + deps.random()), undefined, { signal, ref: false }).catch(() => {});
    }
  };

  return {
    start: () => {
      running = Promise.all([
        repeat(deps.setupPace.pollMs, 'looking for set-ups that are due', async () => {
          if (active.size < CONCURRENCY) await look();
        }),
        repeat(SWEEP_INTERVAL_MS, 'retiring unused external IDs', () => retireOwnedSecrets(deps)),
      ]);
    },
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(active);
    },
  };
}

/** External IDs that were read at most, in memory. */
const MOST_REMEMBERED = 1_000;

/**
 * The external ID of a set-up never changes, and reading it is on record: it is read once, not at every attempt of a day.
 */
function rememberExternalIds({ configManager }: Pick<Deps, 'configManager'>) {
  const known = new Map<string, string>();
  return {
    read: async (setup: DueSetup): Promise<string> => {
      const remembered = known.get(setup.external_id_uid);
      if (remembered !== undefined) return remembered;
      const { value } = await configManager.accessOwnedSecret({
        organizationUid: setup.organization_uid,
        secretUid: setup.external_id_uid,
        ownerUid: setup.connection_uid,
        purpose: `set-up of ${setup.connection_slug}`,
      });
      const [oldest] = known.keys();
      if (known.size >= MOST_REMEMBERED && oldest !== undefined) known.delete(oldest);
      known.set(setup.external_id_uid, value);
      return value;
    },
  };
}
