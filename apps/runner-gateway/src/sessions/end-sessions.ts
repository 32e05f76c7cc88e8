import {
  GatewayGoodbyeReason,
  GatewayGoodbyeReasonSchema,
  RunnerGoodbyeReason,
  RunnerGoodbyeReasonSchema,
} from '@planton/api/runner/v1/session';
import { writeInBatches } from '@planton/database';
import type { Deps } from '../deps.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { Session } from './session.ts';
import type { Ending } from './session-state.ts';
import { type EndedSession, endSessions } from './session-store.ts';

const LARGEST_BATCH = 256;

export interface SessionEnder {
  /** Ends a session, once: says goodbye, takes it off the record, and notes that what it carried out is lost for now. */
  end(session: Session, ending: Ending): void;
  /** Takes a session off the record whose connection ended before it was welcomed. */
  forget(session: Session): void;
  /** Resolves when the sessions of the instance that have ended here are off the record. */
  settled(instanceUid: string): Promise<void>;
  /** Sessions that are over and whose connection is not gone yet. */
  readonly lingering: Set<Session>;
  idle(): Promise<void>;
}

export function createSessionEnder(settings: {
  readonly deps: Pick<Deps, 'database' | 'wake' | 'replicaUid' | 'logger' | 'monotonic'>;
  readonly live: LiveSessions;
}): SessionEnder {
  const { deps, live } = settings;
  const lingering = new Set<Session>();
  const settling = new Map<string, Promise<void>>();
  const writer = writeInBatches<EndedSession, undefined>({
    write: async (sessions) => {
      const changed = await endSessions(deps.database.query, deps.replicaUid, sessions);
      for (const organizationUid of changed) deps.wake.changed(organizationUid);
      return sessions.map(() => undefined);
    },
    largest: LARGEST_BATCH,
    concurrency: 1,
  });

  const takeOffRecord = (session: Session, ended: EndedSession) => {
    const { instanceUid } = session;
    const written: Promise<void> = writer
      .write(ended)
      .catch((error: unknown) =>
        deps.logger.debug(
          { error, session: session.uid },
          'the end of a session was not written down; it is found later',
        ),
      )
      .finally(() => {
        if (settling.get(instanceUid) === written) settling.delete(instanceUid);
      });
    settling.set(instanceUid, written);
  };

  return {
    lingering,
    end: (session, ending) => {
      if (session.state.name === 'closed') return;
      const now = deps.monotonic();
      const attempts = [...session.attempts()].map(({ uid, attempt }) => ({ uid, attempt }));
      const wasLive = session.pool !== undefined;
      live.remove(session);
      session.end(ending, now);
      lingering.add(session);
      if (!wasLive) return;
      takeOffRecord(session, {
        sessionUid: session.uid,
        silentMs: Math.max(0, now - session.heardAt),
        attempts: isSuperseded(ending) ? [] : attempts,
        final: isFinal(ending),
      });
      deps.logger.info({ ...factsOf(session), ...describe(ending) }, 'session ended');
    },
    forget: (session) =>
      takeOffRecord(session, { sessionUid: session.uid, silentMs: 0, attempts: [], final: false }),
    settled: (instanceUid) => settling.get(instanceUid) ?? Promise.resolve(),
    idle: () => writer.idle(),
  };
}

/** What a line of the log says of a session. */
export function factsOf(session: Session) {
  return { session: session.uid, instance: session.instanceUid, runner: session.pool?.runnerUid ?? '' };
}

function describe(ending: Ending) {
  if (ending.by === 'connection') return { ended_by: 'connection' };
  if (ending.by === 'runner')
    return { ended_by: 'runner', reason: RunnerGoodbyeReasonSchema.value[ending.reason]?.localName };
  return {
    ended_by: 'gateway',
    reason: GatewayGoodbyeReasonSchema.value[ending.reason]?.localName,
    why: ending.message,
  };
}

/** The session that came instead has taken over its attempts, or released them. */
function isSuperseded(ending: Ending): boolean {
  return ending.by === 'gateway' && ending.reason === GatewayGoodbyeReason.SUPERSEDED;
}

/** Whether the instance does not come back for what it was carrying out. */
function isFinal(ending: Ending): boolean {
  if (ending.by === 'runner') return ending.reason !== RunnerGoodbyeReason.PROTOCOL;
  if (ending.by === 'connection') return false;
  return ending.reason === GatewayGoodbyeReason.REVOKED || ending.reason === GatewayGoodbyeReason.LOCKED;
}
