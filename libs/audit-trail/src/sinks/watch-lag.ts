import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '@planton/database';
import { reportGauge } from '@planton/rpc';
import type { AuditTables } from '../tables.ts';
import { selectLags } from './sink-store.ts';

/** How far a sink is behind. */
export interface SinkLag {
  /** Seals that it has not taken. */
  readonly seals: number;
  /** Age of the oldest of them; 0 where there is none. */
  readonly seconds: number;
}

export interface LagWatch {
  /** A line for each sink, by its place in the settings: never by its name, which says where it is. */
  notes(): readonly string[];
  /** Looks until it is stopped, and reports to whoever collects metrics. */
  run(): Promise<void>;
}

/**
 * Looks every so often how far the sinks are behind, whichever replica serves them. Whoever asks is told what was seen last, so that no
 * question reaches the database, and nothing waits for a sink.
 */
export function watchLag({
  database,
  service,
  names,
  everyMs,
  signal,
}: {
  readonly database: Database<AuditTables>;
  readonly service: string;
  /** Of the sinks, in the order of the settings. */
  readonly names: readonly string[];
  readonly everyMs: number;
  readonly signal: AbortSignal;
}): LagWatch {
  let seen: ReadonlyMap<string, SinkLag> = new Map();
  const look = async () => {
    const lags = await selectLags(database.query, names).catch(() => []);
    seen = new Map(lags.map(({ name, ...lag }) => [name, lag]));
  };
  const gauge = (name: string, unit: string, description: string, of: (lag: SinkLag) => number) =>
    reportGauge({
      name: `planton.audit.sink.${name}`,
      unit,
      description,
      read: () =>
        names.flatMap((each, index) => {
          const lag = seen.get(each);
          return lag ? [{ value: of(lag), attributes: { service, sink: index + 1 } }] : [];
        }),
    });

  return {
    notes: () =>
      names.map((name, index) => `audit sink ${index + 1} of ${service}: ${describeLag(seen.get(name))}`),
    run: async () => {
      if (names.length === 0) return;
      const ends = [
        gauge('seals_behind', '{seal}', 'Seals that the sink has not taken', ({ seals }) => seals),
        gauge(
          'seconds_behind',
          's',
          'Age of the oldest seal that it has not taken',
          ({ seconds }) => seconds,
        ),
      ];
      while (!signal.aborted) {
        await look();
        await sleep(everyMs, undefined, { signal, ref: false }).catch(() => {});
      }
      for (const end of ends) end();
    },
  };
}

function describeLag(lag: SinkLag | undefined): string {
  if (!lag) return 'not known';
  if (lag.seals === 0) return 'nothing behind';
  return `${lag.seals} ${lag.seals === 1 ? 'seal' : 'seals'} behind, the oldest for ${lag.seconds} s`;
}
