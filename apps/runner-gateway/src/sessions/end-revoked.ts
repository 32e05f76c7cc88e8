import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import type { Deps } from '../deps.ts';
import type { SessionEnder } from './end-sessions.ts';
import type { LiveSessions } from './live-sessions.ts';
import { listRevoked } from './session-store.ts';

/**
 * Ends the sessions here of whatever was revoked or locked lately. It reads all of it every time, so that nothing depends on having
 * been told.
 */
export async function endRevoked(settings: {
  readonly deps: Pick<Deps, 'database'>;
  readonly live: LiveSessions;
  readonly ender: SessionEnder;
}): Promise<void> {
  const { deps, live, ender } = settings;
  if (live.count === 0) return;
  for (const { runner_uid, instance_uid, reason } of await listRevoked(deps.database.query)) {
    const one = live.ofInstance(instance_uid);
    const sessions = instance_uid === '' ? [...live.ofRunner(runner_uid)] : one ? [one] : [];
    for (const session of sessions) {
      const ending =
        reason === 'locked'
          ? {
              reason: GatewayGoodbyeReason.LOCKED,
              message: 'this instance is locked: its key may be in two places',
            }
          : { reason: GatewayGoodbyeReason.REVOKED, message: 'this instance or its runner was revoked' };
      ender.end(session, { by: 'gateway', ...ending });
    }
  }
}
