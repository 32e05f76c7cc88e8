import { type RunnerCredentials, writeCredentials } from '@planton/enrolment';
import { createLogger, type Logger, SettingsRefused } from '@planton/rpc';
import { createRunner, type Runner } from '../create-runner.ts';
import { type HealthEndpoint, serveHealth } from '../health/serve-health.ts';
import { enrolByServer, openServerChannel } from '../platform/enrol-by-server.ts';
import type { RunnerEnd } from '../session/keep-session.ts';
import { defaultTiming } from '../session/timing.ts';
import { chooseCredentials } from '../settings/choose-credentials.ts';
import type { ProgramSettings } from '../settings/read-settings.ts';
import { type EnrolmentSettings, enrolAtStart, enrolInMemory } from './enrol-at-start.ts';

/** A runner program that was started. */
export interface RunningProgram {
  /** Resolves when the runner has ended; rejects where it cannot start. */
  readonly ended: Promise<RunnerEnd>;
  /** Ends in good order. */
  stop(): void;
}

/** Runs a runner as the settings say, from finding or making its credentials to its end. */
export function runProgram(settings: ProgramSettings, env: NodeJS.ProcessEnv): RunningProgram {
  const logger = createLogger('runner', settings.logLevel);
  const stopping = new AbortController();
  let runner: Runner | undefined;

  const run = async (): Promise<RunnerEnd> => {
    const health = await startHealth(settings, () => runner?.state().phase === 'open', logger);
    try {
      const start = settings.platform ? startOnPlatform : startWithCredentials;
      runner = await start(settings, env, logger, stopping.signal);
      if (stopping.signal.aborted) runner.stop();
      return await runner.ended;
    } catch (error) {
      // Told to end before there was a runner.
      if (stopping.signal.aborted) return { kind: 'stopped' };
      throw error;
    } finally {
      await health?.close();
    }
  };
  return {
    ended: run(),
    stop: () => {
      stopping.abort();
      runner?.stop();
    },
  };
}

async function startHealth(
  { healthListen }: ProgramSettings,
  isReady: () => boolean,
  logger: Logger,
): Promise<HealthEndpoint | undefined> {
  if (healthListen === undefined) return undefined;
  const health = await serveHealth(healthListen, isReady);
  logger.info({ url: health.url }, 'health is answered here');
  return health;
}

async function startWithCredentials(
  settings: ProgramSettings,
  env: NodeJS.ProcessEnv,
  logger: Logger,
  signal: AbortSignal,
): Promise<Runner> {
  const choice = await chooseCredentials(settings);
  const { maxInFlight, server, token, configHome } = settings;
  const start = (credentials: RunnerCredentials, file: string | undefined, enrolment?: EnrolmentSettings) =>
    createRunner({
      credentials,
      logger,
      maxInFlight,
      env,
      ...(file === undefined
        ? enrolment && { enrol: (ended: AbortSignal) => enrolInMemory(enrolment, ended) }
        : { keep: (next: RunnerCredentials) => writeCredentials(file, next) }),
    });
  if (choice.credentials) {
    const { org, runner, instanceUid } = choice.credentials;
    logger.info({ org, runner, instanceUid, file: choice.file }, 'the runner starts');
    return start(choice.credentials, choice.file);
  }
  const enrolment: EnrolmentSettings = {
    server,
    token: token ?? '',
    ephemeral: settings.ephemeral,
    file: choice.file,
    configHome,
    proxyEnv: env,
    limits: defaultTiming.backoff,
    logger,
    now: () => new Date(),
    random: Math.random,
  };
  const { credentials, file } = await enrolAtStart(enrolment, signal);
  return start(credentials, file, enrolment);
}

async function startOnPlatform(
  { maxInFlight }: ProgramSettings,
  env: NodeJS.ProcessEnv,
  logger: Logger,
  signal: AbortSignal,
): Promise<Runner> {
  const channel = openServerChannel(process);
  if (!channel)
    throw new SettingsRefused('the platform runner is started by a server alone', 'planton server start');
  // A server that is gone, however it ended, needs no runner.
  process.once('disconnect', () => process.exit(0));
  const enrol = (ended: AbortSignal) => enrolByServer(channel, ended);
  const credentials = await enrol(signal);
  return createRunner({ credentials, logger, maxInFlight, env, enrol, platform: true });
}
