import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { runners } from './runner.ts';
import { watchRunners } from './watch-runners.ts';

interface Options extends OutputOptions {
  readonly watch?: boolean;
}

export function addRunnerList(runner: Command, cli: Cli): void {
  const command = runner
    .command('list')
    .description('List the runners of the organisation, and whether they are connected.')
    .option('-w, --watch', 'go on and show every change; with -o json every change as a line of JSON')
    .addHelpText('after', '\nExamples:\n  $ planton runner list --watch');
  withOutput(command).action((options: Options) => list(cli, options));
}

async function list(cli: Cli, options: Options): Promise<void> {
  const session = await openOrganization(cli);
  if (options.watch) {
    await watchRunners(cli, session, options);
    return;
  }
  const { org, client } = session;
  const items = await listAll(
    (page) => client(RunnerService).listRunners({ org, ...page }),
    (page) => page.runners,
  );
  printList(
    cli,
    options,
    runners,
    items,
    `no runner in ${org}; register one with: planton runner register --name NAME`,
  );
}
