import type { RunnerCertificate } from '@planton/api/runner/v1/runner';
import {
  applyCertificate,
  EnrolmentError,
  type ProxyEnvironment,
  type RunnerCredentials,
  recoverRunner,
} from '@planton/enrolment';
import type { Logger } from '@planton/rpc';

/** Milliseconds that the clocks of the server and of this machine may differ without a word. */
const TOLERATED_SKEW_MS = 60_000;

/** Who the runner is for the gateway, from certificate to certificate. */
export interface Identity {
  current(): RunnerCredentials;
  /** Whether the certificate has ended and there is reason to believe it: one that came to this process did not end yet. */
  isExpired(): boolean;
  readonly canRecover: boolean;
  readonly canEnrol: boolean;
  /**
   * Takes the next certificate: kept first, used from the next connection on.
   *
   * @throws EnrolmentError where it is of no use or cannot be kept; then the one before stays
   */
  renewed(certificate: RunnerCertificate | undefined): Promise<void>;
  /** Milliseconds until the next renewal may be asked for, so that a clock that is wrong does not ask all the time. */
  renewalPauseLeftMs(pauseMs: number): number;
  /**
   * Has the API replace the certificate.
   *
   * @throws EnrolmentError `refused` where the platform wants this instance no more
   */
  recover(signal: AbortSignal): Promise<void>;
  /**
   * Becomes a new instance.
   *
   * @throws EnrolmentError
   */
  enrol(signal: AbortSignal): Promise<void>;
}

export interface IdentitySettings {
  readonly credentials: RunnerCredentials;
  /** Keeps credentials before they are used; absent where they are kept in memory alone. */
  readonly keep?: (credentials: RunnerCredentials) => Promise<void>;
  /** Makes a new instance; absent where the runner cannot. */
  readonly enrol?: (signal: AbortSignal) => Promise<RunnerCredentials>;
  readonly proxyEnv: ProxyEnvironment;
  readonly logger: Logger;
  readonly now: () => Date;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
}

export function keepIdentity(settings: IdentitySettings): Identity {
  const { keep, enrol, proxyEnv, logger, now, monotonic } = settings;
  let credentials = settings.credentials;
  let isFresh = false;
  let renewedAt: number | undefined;

  const take = async (next: RunnerCredentials) => {
    await keep?.(next);
    credentials = next;
    isFresh = true;
    renewedAt = monotonic();
  };
  return {
    current: () => credentials,
    isExpired: () => !isFresh && Date.parse(credentials.expireTime) <= now().getTime(),
    canRecover: credentials.server !== '',
    canEnrol: enrol !== undefined,
    renewalPauseLeftMs: (pauseMs) =>
      renewedAt === undefined ? 0 : Math.max(0, renewedAt + pauseMs - monotonic()),
    renewed: async (certificate) => {
      const next = applyCertificate(credentials, certificate);
      await take(next);
      logger.info(
        { generation: next.generation, expireTime: next.expireTime },
        'the certificate was renewed; the next connection uses it',
      );
    },
    recover: async (signal) => {
      const onServerTime = (time: Date) => reportSkew(time, now(), logger);
      const next = await recoverRunner(credentials, { proxyEnv, signal, onServerTime });
      await take(next);
      logger.info(
        { generation: next.generation, expireTime: next.expireTime },
        'the certificate was replaced',
      );
    },
    enrol: async (signal) => {
      if (!enrol) throw new EnrolmentError('refused', 'NO_TOKEN', 'the runner has no token to enrol with');
      await take(await enrol(signal));
      logger.info({ instanceUid: credentials.instanceUid }, 'the runner enrolled as a new instance');
    },
  };
}

/** Certificates are judged by clocks: a wrong one refuses what is good. */
export function reportSkew(server: Date, here: Date, logger: Logger): void {
  const skewMs = here.getTime() - server.getTime();
  if (Math.abs(skewMs) < TOLERATED_SKEW_MS) return;
  logger.warn(
    { skewSeconds: Math.round(skewMs / 1_000), here: here.toISOString(), server: server.toISOString() },
    `the clock of this machine is ${skewMs > 0 ? 'ahead of' : 'behind'} the server's; set it and keep it right with NTP`,
  );
}
