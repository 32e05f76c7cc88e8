import { RunnerService, type RunnerUsage, RunnerUsageSchema } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { type OutputOptions, type Printable, printList, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';

const usages: Printable<RunnerUsage> = {
  schema: RunnerUsageSchema,
  columns: [
    ['KIND', ({ owner }) => owner?.kind ?? ''],
    ['SLUG', ({ owner }) => owner?.slug ?? ''],
    ['STATE', ({ confirmed }) => (confirmed ? 'in use' : 'change under way')],
  ],
};

export function addRunnerUsages(runner: Command, cli: Cli): void {
  const command = runner
    .command('usages')
    .argument('<name>', 'name or slug of the runner')
    .description('List what uses a runner.');
  withOutput(command).action(async (name: string, options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const listed = await client(RunnerService).listRunnerUsages({ org, runner: name });
    printList(cli, options, usages, listed.usages, `nothing uses runner ${name}`);
  });
}
