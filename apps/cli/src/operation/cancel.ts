import { OperationState } from '@planton/api/runner/v1/operation';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { stateOf } from './operation.ts';

export function addOperationCancel(operation: Command, cli: Cli): void {
  operation
    .command('cancel')
    .argument('<uid>', 'uid of the operation; `planton operation list` shows it')
    .description(
      'Cancel an operation: at once while it waits, and as soon as its runner has ended it while it runs.',
    )
    .action((uid: string) => cancel(cli, uid));
}

async function cancel(cli: Cli, uid: string): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const { operation } = await client(RunnerService).cancelOperation({ org, operationUid: uid });
  switch (operation?.state) {
    case OperationState.CANCELLED:
      say(cli, `operation ${uid} cancelled`);
      return;
    case OperationState.RUNNING:
    case OperationState.QUEUED:
      say(cli, `operation ${uid} is being cancelled; its runner ends it: planton operation get ${uid}`);
      return;
    default:
      throw new CliError(
        `operation ${uid} has ended already${operation ? `: ${stateOf(operation).replaceAll('_', ' ')}` : ''}`,
        { exitCode: exitCodes.state, hint: `planton operation get ${uid}` },
      );
  }
}
