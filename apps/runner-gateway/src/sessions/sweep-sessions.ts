import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import { HEARTBEAT_INTERVAL_MS } from './accept-hello.ts';
import type { SessionEnder } from './end-sessions.ts';
import type { LiveSessions } from './live-sessions.ts';
import type { Session } from './session.ts';

export interface SessionTimes {
  /** A runner has this long to say hello. */
  readonly helloMs: number;
  /** A session is idle when nothing was heard for this long. */
  readonly idleMs: number;
  /** A runner has this long to close after its session is over. */
  readonly lingerMs: number;
  /** A slot is free again when no result came for this long after the deadline. */
  readonly overdueMs: number;
}

export const sessionTimes: SessionTimes = {
  helloMs: 10_000,
  idleMs: 3 * HEARTBEAT_INTERVAL_MS,
  lingerMs: 5_000,
  overdueMs: 60_000,
};

/** Looks after the time limits of all sessions at once; none of them has a timer. */
export function sweepSessions(
  settings: {
    readonly live: LiveSessions;
    readonly ender: SessionEnder;
    readonly unwelcomed: ReadonlySet<Session>;
    readonly times: SessionTimes;
  },
  now: number,
): void {
  const { live, ender, unwelcomed, times } = settings;
  for (const session of unwelcomed) {
    if (session.state.name !== 'awaiting_hello' || now - session.since <= times.helloMs) continue;
    const message = `no hello within ${times.helloMs / 1000} seconds`;
    ender.end(session, { by: 'gateway', reason: GatewayGoodbyeReason.PROTOCOL, message });
  }
  for (const session of live.all()) {
    if (now - session.heardAt <= times.idleMs) continue;
    const message = `nothing was heard for ${times.idleMs / 1000} seconds`;
    ender.end(session, { by: 'gateway', reason: GatewayGoodbyeReason.IDLE, message });
  }
  for (const session of ender.lingering) {
    if (now - session.since > times.lingerMs) session.connection.cut();
  }
  for (const attempt of live.attempts()) {
    if (now - attempt.deadline > times.overdueMs) live.removeAttempt(attempt);
  }
}
