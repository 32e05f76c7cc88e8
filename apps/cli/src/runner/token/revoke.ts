import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { openOrganization } from '../../session/open-session.ts';
import { confirm } from '../../terminal/confirm.ts';
import { type Cli, say } from '../../terminal/terminal.ts';

export function addTokenRevoke(token: Command, cli: Cli): void {
  token
    .command('revoke')
    .argument('<uid>', 'uid of the token; `planton runner token list NAME` shows it')
    .description('Make a token useless. Instances that enrolled with it stay.')
    .option('-y, --yes', 'do not ask')
    .action(async (uid: string, { yes }: { yes?: boolean }) => {
      const { org, client } = await openOrganization(cli);
      await confirm(cli, `Revoke the token ${uid} for ever?`, yes);
      await client(RunnerService).revokeRunnerToken({ org, tokenUid: uid });
      say(cli, `token ${uid} revoked`);
    });
}
