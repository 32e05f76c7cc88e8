import { OperationState } from '@planton/api/runner/v1/operation';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { type Command, Option } from 'commander';
import { formatEnum } from '../output/format-enum.ts';
import { type OutputOptions, printList, withOutput } from '../output/print-messages.ts';
import { parseCount } from '../program/parse-count.ts';
import { listFirst } from '../session/list-first.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { operations } from './operation.ts';

const states = new Map(
  Object.values(OperationState).flatMap((state) =>
    state === OperationState.UNSPECIFIED ? [] : [[formatEnum(OperationState, state), state] as const],
  ),
);

interface Options extends OutputOptions {
  readonly runner?: string;
  readonly state?: readonly string[];
  readonly limit: number;
}

export function addOperationList(operation: Command, cli: Cli): void {
  const command = operation
    .command('list')
    .description('List operations, newest first.')
    .option('--runner <name>', 'only those of this runner')
    .addOption(
      new Option('--state <state...>', 'only those in one of these states').choices([...states.keys()]),
    )
    .option('--limit <number>', 'how many at most', parseCount, 100)
    .addHelpText('after', '\nExamples:\n  $ planton operation list --runner my-aws-runner --state failed');
  withOutput(command).action((options: Options) => list(cli, options));
}

async function list(cli: Cli, { runner = '', state = [], limit, output }: Options): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const filter = { org, runner, states: state.flatMap((name) => states.get(name) ?? []) };
  const items = await listFirst(
    limit,
    (page) => client(RunnerService).listOperations({ ...filter, ...page }),
    (page) => page.operations,
  );
  printList(cli, output ? { output } : {}, operations, items, 'no such operation on record');
}
