import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  checkWritable,
  credentialsFile,
  EnrolmentError,
  enrollRunner,
  type ProxyEnvironment,
  type RunnerCredentials,
  writeCredentials,
} from '@planton/enrolment';
import type { Logger } from '@planton/rpc';
import { reportSkew } from '../identity/keep-identity.ts';
import { type BackoffLimits, backoff } from '../session/backoff.ts';

export interface EnrolmentSettings {
  readonly server: string;
  readonly token: string;
  /** Keeps the key in memory alone, whatever can be written. */
  readonly ephemeral: boolean;
  /** Where credentials are to be kept, where the settings name a place. */
  readonly file?: string | undefined;
  readonly configHome: string;
  readonly proxyEnv: ProxyEnvironment;
  readonly limits: BackoffLimits;
  readonly logger: Logger;
  readonly now: () => Date;
  readonly random: () => number;
}

/** A new instance, and the file that it is kept in; none where it lives in memory alone. */
export interface Enrolled {
  readonly credentials: RunnerCredentials;
  readonly file: string | undefined;
}

/**
 * Enrols a runner that has no credentials yet. They are kept where there is a place to write to; otherwise the instance is an ephemeral one.
 * While the platform does not answer this goes on for ever.
 *
 * @throws EnrolmentError `refused` where the token is not taken
 */
export async function enrolAtStart(settings: EnrolmentSettings, signal: AbortSignal): Promise<Enrolled> {
  const { logger, limits, random } = settings;
  const isKept = await canKeep(settings);
  for (let failures = 0; ; failures++) {
    try {
      const credentials = await enrolOnce(settings, !isKept, signal);
      const file = isKept
        ? (settings.file ?? credentialsFile(settings.configHome, credentials.org, credentials.runner))
        : undefined;
      if (file !== undefined) await writeCredentials(file, credentials);
      const { org, runner, instanceUid } = credentials;
      logger.info({ org, runner, instanceUid, ...(file ? { file } : {}) }, 'the runner enrolled');
      return { credentials, file };
    } catch (error) {
      if (!(error instanceof EnrolmentError) || error.kind !== 'unavailable' || signal.aborted) throw error;
      const delayMs = Math.round(backoff(failures, random(), limits));
      logger.warn({ reason: error.reason, hint: error.hint, delayMs }, `cannot enrol yet: ${error.message}`);
      await sleep(delayMs, undefined, { signal }).catch(() => {});
    }
  }
}

/** Makes an instance that is kept in memory alone. */
export function enrolInMemory(settings: EnrolmentSettings, signal: AbortSignal): Promise<RunnerCredentials> {
  return enrolOnce(settings, true, signal);
}

function enrolOnce(
  { server, token, proxyEnv, logger, now }: EnrolmentSettings,
  ephemeral: boolean,
  signal: AbortSignal,
): Promise<RunnerCredentials> {
  return enrollRunner({
    server,
    token,
    ephemeral,
    instanceName: hostname().slice(0, 100) || 'runner',
    proxyEnv,
    signal,
    onServerTime: (time) => reportSkew(time, now(), logger),
  });
}

async function canKeep({ ephemeral, file, configHome, logger }: EnrolmentSettings): Promise<boolean> {
  if (ephemeral) return false;
  try {
    await checkWritable(file ?? join(configHome, 'credentials.json'));
    return true;
  } catch (error) {
    logger.info(
      { reason: error instanceof Error ? error.message : '' },
      'credentials cannot be kept here: the runner enrols as an ephemeral instance, with its key in memory',
    );
    return false;
  }
}
