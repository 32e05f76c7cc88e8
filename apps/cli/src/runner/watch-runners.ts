import { setTimeout as sleep } from 'node:timers/promises';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { exitCodes } from '../errors/cli-error.ts';
import { explainError } from '../errors/explain-error.ts';
import type { OutputOptions } from '../output/print-messages.ts';
import type { Session } from '../session/open-session.ts';
import { canRedraw } from '../terminal/redraw.ts';
import type { Cli } from '../terminal/terminal.ts';
import { type Display, displayEvents, displayLines, displayTable } from './display-runners.ts';

/** Milliseconds before the server is asked again, doubled up to the longest while it cannot be reached. */
const firstPause = 250;
const longestPause = 10_000;

/**
 * Shows the runners and every change of them until it is interrupted: as a table that is drawn over on a terminal, otherwise as lines,
 * with `-o json` or `-o yaml` as the events of WatchRunners. A server that goes away after it has answered is asked again; every runner
 * is then sent once more, so that nothing is missed.
 */
export async function watchRunners(
  cli: Cli,
  { org, client }: Session & { readonly org: string },
  { output }: OutputOptions,
): Promise<void> {
  const display = displayOf(cli, output, org);
  let pause = firstPause;
  let answered = false;
  for (;;) {
    try {
      const show = display.begin();
      for await (const response of client(RunnerService).watchRunners({ org }, { timeoutMs: 0 })) {
        pause = firstPause;
        answered = true;
        show(response);
      }
    } catch (error) {
      const explained = explainError(error);
      if (!answered || explained?.exitCode !== exitCodes.unavailable) throw error;
      display.interrupt(`${explained.message}; trying again`);
    }
    await sleep(pause);
    pause = Math.min(longestPause, pause * 2);
  }
}

function displayOf(cli: Cli, output: OutputOptions['output'], org: string): Display {
  if (output === 'json' || output === 'yaml') return displayEvents(cli, output);
  const nothing = `no runner in ${org}; register one with: planton runner register --name NAME`;
  return canRedraw(cli, 'stdout') ? displayTable(cli, nothing) : displayLines(cli, nothing);
}
