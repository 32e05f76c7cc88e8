import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { openOrganization } from '../session/open-session.ts';
import { confirm } from '../terminal/confirm.ts';
import { type Cli, say } from '../terminal/terminal.ts';

interface Options {
  readonly instance?: string;
  readonly yes?: boolean;
}

export function addRunnerRevoke(runner: Command, cli: Cli): void {
  runner
    .command('revoke')
    .argument('<name>', 'name or slug of the runner')
    .description('Refuse the certificates of a runner for ever, and end its sessions within a second.')
    .option('--instance <uid>', 'only this instance; `planton runner get NAME` lists them')
    .option('-y, --yes', 'do not ask; needed where there is no terminal')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton runner revoke my-aws-runner --yes\n  $ planton runner revoke my-aws-runner --instance UID',
    )
    .action((name: string, options: Options) => revoke(cli, name, options));
}

async function revoke(cli: Cli, name: string, { instance = '', yes }: Options): Promise<void> {
  if (!yes && !cli.interactive)
    throw usage('revoking a runner cannot be undone', 'say that it is meant with --yes');
  const { org, client } = await openOrganization(cli);
  const what =
    instance === '' ? `the runner ${name}, with all its instances,` : `the instance ${instance} of ${name}`;
  await confirm(cli, `Revoke ${what} for ever?`, yes);
  await client(RunnerService).revokeRunner({ org, runner: name, instanceUid: instance });
  say(
    cli,
    `${instance === '' ? `runner ${name}` : `instance ${instance} of runner ${name}`} revoked; its sessions end now`,
  );
}
