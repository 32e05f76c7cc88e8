import { type AwsTrustSetup, AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import type { InitiateAwsTrustSetupResponse } from '@planton/api/connect/v1/connection_service';
import type { OpenedLink } from '../../browser/open-link.ts';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { cleanText } from '../../output/clean-text.ts';
import { formatTime } from '../../output/format-time.ts';
import type { Session } from '../../session/open-session.ts';
import { type Cli, say } from '../../terminal/terminal.ts';
import { Interrupted, untilInterrupted } from '../../terminal/until-interrupted.ts';
import { displayProgress } from './display-progress.ts';
import { offerStack } from './offer-stack.ts';
import { type ConnectOptions, formatCommand } from './options.ts';
import { watchSetup } from './watch-setup.ts';

/** A set-up that is open. */
export interface OpenSetup {
  readonly options: ConnectOptions;
  readonly session: Session & { readonly org: string };
  readonly setup: AwsTrustSetup;
  readonly answer: InitiateAwsTrustSetupResponse;
  /** Milliseconds to wait; undefined for until it has ended. */
  readonly timeout: number | undefined;
}

/** Milliseconds that a browser is given to read the link, however short the wait is. */
const readingTime = 3000;

const longestTimer = 2 ** 31 - 1;

/**
 * Says how the role comes about, shows how far that is, and answers the set-up as it has ended. What the browser reads is there until
 * then. Interrupted, or out of time, it throws a `CliError` that says how to wait again.
 */
export async function waitForSetup(cli: Cli, open: OpenSetup): Promise<AwsTrustSetup> {
  const { options, setup } = open;
  const until = formatTime(setup.expireTime);
  const hint = `the set-up goes on by itself${until === '' ? '' : ` until ${until}`}; wait for it with: ${formatCommand(cli.options(), options)}`;
  const outOfTime = new CliError(`${setup.connection} is not connected after ${options.timeout}`, {
    exitCode: exitCodes.unavailable,
    hint,
  });
  try {
    return await untilInterrupted(async (interrupted) => {
      const opened = await offerRole(cli, open);
      try {
        return await show(cli, open, interrupted, opened ? readingTime : 0, outOfTime);
      } finally {
        opened?.close();
      }
    });
  } catch (error) {
    if (error instanceof Interrupted) throw new CliError('interrupted', { exitCode: error.exitCode, hint });
    throw error;
  }
}

/** Once the role is there nothing has to be done, and a second stack would only be in the way. */
async function offerRole(
  cli: Cli,
  { options, session: { server }, setup, answer }: OpenSetup,
): Promise<OpenedLink | undefined> {
  if (setup.state !== AwsTrustSetupState.PENDING) return undefined;
  if (options.stack) return offerStack(cli, { server, setup, answer, browser: options.browser });
  const command = formatCommand(cli.options(), options, 'print');
  say(cli, cleanText(`make the role ${setup.roleArn} as this describes it: ${command}`));
  return undefined;
}

async function show(
  cli: Cli,
  { session, setup, timeout }: OpenSetup,
  interrupted: AbortSignal,
  least: number,
  outOfTime: CliError,
): Promise<AwsTrustSetup> {
  const over = new AbortController();
  const timer =
    timeout === undefined
      ? undefined
      : setTimeout(() => over.abort(outOfTime), Math.min(Math.max(timeout, least), longestTimer));
  const progress = displayProgress(cli);
  try {
    progress.show(setup);
    return await watchSetup({
      session,
      setup,
      signal: AbortSignal.any([interrupted, over.signal]),
      now: cli.now,
      show: progress.show,
      interrupt: progress.interrupt,
    });
  } finally {
    clearTimeout(timer);
    progress.end();
  }
}
