import { setTimeout as sleep } from 'node:timers/promises';
import { type Engine, openDatabase } from '@planton/database';
import type { Logger } from '@planton/rpc';
import { type AuditSettings, plainAudit } from './keys/open-audit-settings.ts';
import { listAuditRecords } from './records/list-audit-records.ts';
import { exportAuditTrail } from './seals/export-audit-trail.ts';
import { LARGEST_BATCH, sealUnsealed } from './seals/seal-unsealed.ts';
import { verifyAuditTrail } from './seals/verify-audit-trail.ts';
import { defaultSinkPace, keepSink, type SinkPace } from './sinks/keep-sink.ts';
import { createSender } from './sinks/send-lines.ts';
import { watchLag } from './sinks/watch-lag.ts';
import type { AuditTables } from './tables.ts';
import type { TrailDeps } from './trail-deps.ts';

/** Milliseconds. */
export interface AuditPace extends SinkPace {
  /** Between two looks for records without a seal. */
  readonly sealMs: number;
  /** How long one delivery to a sink may take. */
  readonly deliveryMs: number;
  /** Between two looks how far sinks are behind. */
  readonly lagMs: number;
}

const defaultPace: AuditPace = { ...defaultSinkPace, sealMs: 1_000, deliveryMs: 20_000, lagMs: 5_000 };

/** The audit trail of a service: its RPCs, and what is done in the background. */
export interface AuditTrail {
  readonly rpcs: {
    readonly listAuditRecords: ReturnType<typeof listAuditRecords>;
    readonly verifyAuditTrail: ReturnType<typeof verifyAuditTrail>;
    readonly exportAuditTrail: ReturnType<typeof exportAuditTrail>;
  };
  /** How far each sink is behind, a line each, as of a moment ago; none where nothing is streamed. */
  notes(): readonly string[];
  /** Starts sealing and streaming. */
  start(): void;
  /** Ends both and waits. What was not delivered is delivered after the next start. */
  stop(): Promise<void>;
  /** Seals all that has no seal. */
  sealNow(): Promise<void>;
}

/**
 * Assembles the trail that a service keeps in its schema. The schema has been migrated.
 *
 * @param given.audit absent: nothing is sealed, nor streamed
 */
export function keepAuditTrail(given: {
  readonly engine: Engine;
  readonly schema: string;
  readonly service: string;
  readonly audit?: AuditSettings | undefined;
  readonly logger: Logger;
  /** Names this replica among those that share the database. */
  readonly replica: string;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
  /** Monotonic clock, milliseconds. The process's when absent. */
  readonly monotonic?: () => number;
  readonly pace?: Partial<AuditPace> | undefined;
}): AuditTrail {
  const { service, logger, replica, random, monotonic = () => performance.now() } = given;
  const { key, previousKeys, sinks } = given.audit ?? plainAudit;
  const pace = { ...defaultPace, ...given.pace };
  const database = openDatabase<AuditTables>(given.engine, given.schema);
  const trusted = [...(key ? [key.publicKey] : []), ...previousKeys].map(toHex);
  const deps: TrailDeps = {
    database,
    service,
    key,
    isTrusted: (publicKey) => trusted.includes(toHex(publicKey)),
  };
  const stopping = new AbortController();
  const { signal } = stopping;
  let running: Promise<unknown> | undefined;

  const lags = watchLag({
    database,
    service,
    names: key ? sinks.map(({ name }) => name) : [],
    everyMs: pace.lagMs,
    signal,
  });

  const sealNow = async () => {
    if (!key) return;
    while (!signal.aborted && (await sealUnsealed({ database, service, key })) === LARGEST_BATCH);
  };
  /** Rests after a full batch for as long as it took, so that a backlog gives way to those who write. */
  const sealInTurn = async () => {
    while (key && !signal.aborted) {
      const begin = monotonic();
      if ((await sealUnsealed({ database, service, key })) < LARGEST_BATCH) return;
      await sleep(monotonic() - begin, undefined, { signal, ref: false }).catch(() => {});
    }
  };
  const keepSealing = async () => {
    let failing = false;
    while (!signal.aborted) {
      const pause = pace.sealMs * (0.75 + random() / 2);
      await sleep(pause, undefined, { signal, ref: false }).catch(() => {});
      if (signal.aborted) return;
      try {
        await sealInTurn();
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ error, service }, 'audit records cannot be sealed now; they will be');
        failing = true;
      }
    }
  };

  return {
    rpcs: {
      listAuditRecords: listAuditRecords({ database, service }),
      verifyAuditTrail: verifyAuditTrail(deps),
      exportAuditTrail: exportAuditTrail(deps),
    },
    notes: lags.notes,
    start: () => {
      if (!key) return;
      const streams = sinks.map((sink) =>
        keepSink(
          {
            database,
            service,
            sink,
            owner: replica,
            leaseMs: pace.deliveryMs * 2,
            send: createSender(sink, pace.deliveryMs),
            signal,
          },
          { pace, logger, random },
        ),
      );
      running ??= Promise.all([keepSealing(), lags.run(), ...streams]);
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
    sealNow,
  };
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
