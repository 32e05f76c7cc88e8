import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';

export function addRunnerDelete(runner: Command, cli: Cli): void {
  runner
    .command('delete')
    .argument('<name>', 'name or slug of the runner')
    .description(
      'Delete a runner for ever, with its instances and tokens. Refused while a connection uses it.',
    )
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Delete the runner ${name} of ${org} for ever?`, yes);
      await client(RunnerService).deleteRunner({ org, runner: name });
      say(cli, `runner ${name} deleted; its sessions end now`);
    });
}
