import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServerEnrolment } from '@planton/enrolment';
import type { Logger } from '@planton/rpc';

/** Milliseconds that the runner may take to finish what it does when the server ends. */
const STOP_LIMIT_MS = 12_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;
/** A runner that lived this long was not the victim of a bad start. */
const SETTLED_MS = 60_000;

/** What the runner's program needs of the server's environment, besides the identity in AWS. */
const passedOn = [
  'PATH',
  'HOME',
  'TMPDIR',
  'TZ',
  'NODE_EXTRA_CA_CERTS',
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'NO_PROXY',
  'https_proxy',
  'http_proxy',
  'no_proxy',
];

export interface PlatformRunnerSettings {
  /** The runner's program. */
  readonly program?: string;
  /** The `AWS_*` variables that the server was started with. */
  readonly cloudIdentity: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
  readonly logLevel: string;
  /** Gives a new instance its certificate, for the request that it made. */
  readonly enroll: (certificateRequest: string) => Promise<ServerEnrolment>;
  readonly logger: Logger;
  /** In [0, 1), for jitter. */
  readonly random: () => number;
}

/**
 * Keeps the platform runner alive beside the server: a child process with the platform's identity in AWS, which the server itself
 * does not have. It makes its key in its own memory, sends the certificate request over the channel between the two, and ends as soon as
 * that channel does, so that it never outlives the server, however that ends.
 */
export function startPlatformRunner(settings: PlatformRunnerSettings): { stop(): Promise<void> } {
  const { logger, random } = settings;
  const stopping = new AbortController();
  let child: ChildProcess | undefined;

  const keepAlive = async () => {
    for (let failures = 0; !stopping.signal.aborted; failures++) {
      const started = performance.now();
      child = spawnRunner(settings);
      const ended = await endOf(child);
      child = undefined;
      if (stopping.signal.aborted) return;
      if (performance.now() - started > SETTLED_MS) failures = 0;
      logger.warn({ ended }, 'the platform runner ended and is started again');
      const pause = (0.5 + random() / 2) * Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures);
      await sleep(pause, undefined, { signal: stopping.signal }).catch(() => {});
    }
  };

  const running = keepAlive();
  return {
    stop: async () => {
      stopping.abort();
      child?.kill('SIGTERM');
      const killer = setTimeout(() => child?.kill('SIGKILL'), STOP_LIMIT_MS);
      await running;
      clearTimeout(killer);
    },
  };
}

function spawnRunner(settings: PlatformRunnerSettings): ChildProcess {
  const { cloudIdentity, env, enroll, logger } = settings;
  const program = settings.program ?? fileURLToPath(import.meta.resolve('@planton/runner/main'));
  const kept = Object.fromEntries(passedOn.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  const child = spawn(process.execPath, [program, '--platform', '--log-level', settings.logLevel], {
    env: { ...kept, ...cloudIdentity },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('error', (error) => logger.error({ error }, 'the platform runner cannot be started'));
  child.on('message', (message: { readonly certificateRequest?: unknown }) => {
    if (typeof message.certificateRequest !== 'string') return;
    enroll(message.certificateRequest).then(
      (enrolment) => child.connected && child.send(enrolment),
      (error: unknown) => {
        logger.error({ error }, 'the platform runner could not be enrolled');
        child.kill('SIGTERM');
      },
    );
  });
  return child;
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(null));
    child.once('exit', (code, signal) => resolve(signal ?? code));
  });
}
