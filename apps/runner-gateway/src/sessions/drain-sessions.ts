import { setTimeout as sleep } from 'node:timers/promises';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import type { SessionEnder } from './end-sessions.ts';
import type { LiveSessions } from './live-sessions.ts';
import { nextState } from './session-state.ts';

/** Milliseconds between two parts of the sessions that are asked to leave. */
const PART_INTERVAL_MS = 50;

/**
 * Asks every session to finish and to leave, spread over the first half of the time, so that those who take them in are not overrun; then
 * says goodbye to those that are still there. What they carry out is theirs: whoever takes them in adopts it.
 *
 * @param timeoutMs how long it may take in all
 */
export async function drainSessions(
  settings: { readonly live: LiveSessions; readonly ender: SessionEnder; readonly monotonic: () => number },
  timeoutMs: number,
): Promise<void> {
  const { live, ender, monotonic } = settings;
  const started = monotonic();
  const sessions = [...live.all()];
  const parts = Math.max(1, Math.floor(timeoutMs / 2 / PART_INTERVAL_MS));
  const size = Math.max(1, Math.ceil(sessions.length / parts));
  for (let from = 0; from < sessions.length; from += size) {
    const left = Math.max(0, timeoutMs - (monotonic() - started));
    for (const session of sessions.slice(from, from + size)) {
      if (session.state.name !== 'open') continue;
      session.state = nextState(session.state, { type: 'drain' });
      session.send({ case: 'drain', value: { timeout: durationFromMs(Math.round(left)) } });
    }
    if (from + size < sessions.length) await sleep(PART_INTERVAL_MS);
  }
  while (live.count > 0 && monotonic() - started < timeoutMs) await sleep(PART_INTERVAL_MS);
  for (const session of [...live.all()]) {
    const message = 'this gateway ends; connect again';
    ender.end(session, { by: 'gateway', reason: GatewayGoodbyeReason.SHUTDOWN, message });
  }
}
