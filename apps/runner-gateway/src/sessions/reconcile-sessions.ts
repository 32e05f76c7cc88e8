import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import type { Deps } from '../deps.ts';
import { SUPERSEDED } from './accept-hello.ts';
import type { SessionEnder } from './end-sessions.ts';
import type { LiveSessions } from './live-sessions.ts';
import { endSessions, listSessionUids, readSessionUids } from './session-store.ts';

export interface SessionReconciler {
  /** Ends the sessions of these instances that another has superseded. */
  check(instanceUids: readonly string[]): Promise<void>;
  /** Compares all sessions of this replica with the record. */
  checkAll(): Promise<void>;
}

/**
 * Keeps the sessions of this replica and the record of them the same, whatever was not heard: a session that is no longer on record
 * is over, and one that is on record and not here is taken off.
 */
export function createSessionReconciler(settings: {
  readonly deps: Pick<Deps, 'database' | 'replicaUid' | 'logger'>;
  readonly live: LiveSessions;
  readonly ender: SessionEnder;
}): SessionReconciler {
  const { deps, live, ender } = settings;
  /** Sessions on record that were not here at the last look: they may be opening, or their end may be on its way. */
  let strangers = new Set<string>();

  const check = async (instanceUids: readonly string[]) => {
    if (instanceUids.length === 0) return;
    const before = new Map(instanceUids.map((uid) => [uid, live.ofInstance(uid)]));
    const recorded = new Map(
      (await readSessionUids(deps.database.query, instanceUids)).map(({ instance_uid, uid }) => [
        instance_uid,
        uid,
      ]),
    );
    for (const [instanceUid, session] of before) {
      if (!session || recorded.get(instanceUid) === session.uid) continue;
      const superseded = recorded.has(instanceUid);
      ender.end(session, {
        by: 'gateway',
        reason: superseded ? GatewayGoodbyeReason.SUPERSEDED : GatewayGoodbyeReason.UNAVAILABLE,
        message: superseded ? SUPERSEDED : 'this session is not on record any more; connect again',
      });
    }
  };

  return {
    check,
    checkAll: async () => {
      const here = new Map([...live.all()].map((session) => [session.uid, session.instanceUid]));
      const recorded = new Set(await listSessionUids(deps.database.query, deps.replicaUid));
      await check([...here].filter(([uid]) => !recorded.has(uid)).map(([, instanceUid]) => instanceUid));
      const known = new Set([...live.all()].map(({ uid }) => uid));
      const unknown = [...recorded].filter((uid) => !known.has(uid));
      const left = unknown.filter((uid) => strangers.has(uid));
      strangers = new Set(unknown);
      if (left.length === 0) return;
      deps.logger.warn({ sessions: left.length }, 'sessions were on record that are not there any more');
      await endSessions(
        deps.database.query,
        deps.replicaUid,
        left.map((sessionUid) => ({ sessionUid, silentMs: 0, attempts: [], final: false })),
      );
    },
  };
}
