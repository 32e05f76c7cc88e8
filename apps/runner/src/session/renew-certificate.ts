import type { GatewayConnection } from '../gateway/open-connection.ts';
import type { Identity } from '../identity/keep-identity.ts';
import { backoff } from './backoff.ts';
import { renewalDelay } from './renewal-delay.ts';
import type { SessionDeps } from './run-session.ts';

/** Milliseconds that the call may take. */
const CALL_LIMIT_MS = 30_000;
/** The longest timer; what is later is looked at again then. */
const LOOK_AGAIN_MS = 86_400_000;

/**
 * Renews the certificate on the live session whenever it is due, until told to stop. The session goes on with the one that it was opened
 * with; the next session is opened with the new one. What fails is tried again, and does not end the session.
 *
 * @param welcomeMs when the gateway wants it, in milliseconds since 1970; undefined where it does not say
 * @returns stops it
 */
export function renewWhenDue(
  connection: GatewayConnection,
  identity: Identity,
  welcomeMs: number | undefined,
  { timing, logger, now, random }: Pick<SessionDeps, 'timing' | 'logger' | 'now' | 'random'>,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let wanted = welcomeMs;
  let failures = 0;

  const schedule = () => {
    const { renewAfterTime, expireTime } = identity.current();
    const nowMs = now().getTime();
    const own = Date.parse(renewAfterTime);
    const times = { renewAfterMs: Math.min(own, wanted ?? own), expireMs: Date.parse(expireTime), nowMs };
    const due = Math.max(
      renewalDelay(times, random(), timing.renewalJitterMs),
      identity.renewalPauseLeftMs(timing.renewalPauseMs),
    );
    wait(due);
  };
  const wait = (ms: number) => {
    if (isStopped) return;
    timer = setTimeout(ms > LOOK_AGAIN_MS ? schedule : renew, Math.min(ms, LOOK_AGAIN_MS));
  };
  const renew = async () => {
    try {
      const { certificate } = await connection.client.renewCertificate({}, { timeoutMs: CALL_LIMIT_MS });
      await identity.renewed(certificate);
      failures = 0;
      wanted = undefined;
      schedule();
    } catch (error) {
      if (isStopped) return;
      logger.warn({ error, failures }, 'the certificate could not be renewed; trying again');
      wait(timing.renewalBackoff.baseMs / 2 + backoff(failures++, random(), timing.renewalBackoff));
    }
  };
  schedule();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
