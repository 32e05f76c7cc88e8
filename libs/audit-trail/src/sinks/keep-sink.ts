import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from '@planton/rpc';
import { type Delivery, deliverSeals, lagOf } from './deliver-seals.ts';
import { leaveSink } from './sink-store.ts';

/** Milliseconds. */
export interface SinkPace {
  /** Between two looks for something new. */
  readonly idleMs: number;
  readonly firstPauseMs: number;
  readonly longestPauseMs: number;
}

export const defaultSinkPace: SinkPace = { idleMs: 1_000, firstPauseMs: 500, longestPauseMs: 60_000 };

/**
 * Streams a service's seals to a sink until it is aborted. A sink that does not take them is tried again, ever more rarely, and told of in
 * the log once, and once more when it takes them again.
 *
 * @param random in [0, 1), for the jitter
 */
export async function keepSink(
  delivery: Delivery,
  {
    pace,
    logger,
    random,
  }: { readonly pace: SinkPace; readonly logger: Logger; readonly random: () => number },
): Promise<void> {
  const { signal, sink, service, database, owner } = delivery;
  let failures = 0;
  while (!signal.aborted) {
    let pause = pace.idleMs;
    try {
      const delivered = await deliverSeals(delivery);
      if (failures > 0 && delivered) {
        failures = 0;
        logger.info({ sink: sink.name, service }, 'the audit sink takes records again');
      }
      if (delivered) continue;
    } catch (error) {
      if (signal.aborted) break;
      failures += 1;
      if (failures === 1) {
        const seals_behind = await lagOf(delivery).catch(() => undefined);
        logger.warn(
          { error, sink: sink.name, service, seals_behind },
          'the audit sink does not take records; they are kept and tried again',
        );
      }
      pause = Math.min(pace.longestPauseMs, pace.firstPauseMs * 2 ** Math.min(failures - 1, 20));
    }
    await sleep(pause * (0.5 + random() / 2), undefined, { signal, ref: false }).catch(() => {});
  }
  await leaveSink(database.query, sink.name, owner).catch(() => {});
}
