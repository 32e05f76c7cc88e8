import { ListenFailed } from '../server/listen.ts';
import { SettingsRefused } from './read-settings.ts';

/** Milliseconds that draining may take before the process gives up and exits with 1. */
const DRAIN_LIMIT_MS = 30_000;

/** What a started server process can do: end in good order. */
export interface Running {
  /** Stops accepting, lets what is under way finish, closes everything. */
  close(): Promise<void>;
}

/**
 * Runs a server process until it is told to end: SIGTERM and SIGINT drain it and exit with 0; a second signal exits at once.
 * A start that fails prints `error:` and `hint:` and exits with 2 for settings, else with 1.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  let running: Running | undefined;
  let ending = false;
  const end = (signal: NodeJS.Signals) => {
    if (ending) process.exit(signal === 'SIGINT' ? 130 : 143);
    ending = true;
    if (!running) process.exit(0);
    setTimeout(() => process.exit(1), DRAIN_LIMIT_MS).unref();
    running.close().then(
      () => process.exit(0),
      (error) => fail(error),
    );
  };
  process.on('SIGTERM', end);
  process.on('SIGINT', end);
  try {
    running = await start();
  } catch (error) {
    fail(error);
  }
}

function fail(error: unknown): never {
  const { message, hint } =
    error instanceof Error ? (error as Error & { hint?: unknown }) : { message: String(error), hint: '' };
  process.stderr.write(`error: ${message}\n${typeof hint === 'string' && hint ? `hint: ${hint}\n` : ''}`);
  process.exit(error instanceof SettingsRefused || error instanceof ListenFailed ? 2 : 1);
}
