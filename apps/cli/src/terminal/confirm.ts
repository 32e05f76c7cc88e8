import { CliError, exitCodes } from '../errors/cli-error.ts';
import { ask } from './ask.ts';
import type { Cli } from './terminal.ts';

/** Asks before something is lost. Without a terminal, or with `--yes`, nothing is asked. */
export async function confirm(cli: Cli, question: string, yes: boolean | undefined): Promise<void> {
  if (yes || !cli.interactive) return;
  if (!(await ask(cli, question, false)))
    throw new CliError('nothing was changed', { exitCode: exitCodes.failed });
}
