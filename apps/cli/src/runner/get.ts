import { RunnerInstanceSchema, RunnerSchema } from '@planton/api/runner/v1/runner';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { notFound } from '../errors/cli-error.ts';
import { formatTable } from '../output/format-table.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';
import { instances } from './instance.ts';
import { runners } from './runner.ts';

interface Options extends OutputOptions {
  readonly all?: boolean;
}

export function addRunnerGet(runner: Command, cli: Cli): void {
  const command = runner
    .command('get')
    .argument('<name>', 'name or slug of the runner')
    .description('Show a runner with its instances.')
    .option('--all', 'show instances that were revoked or locked as well');
  withOutput(command).action((name: string, options: Options) => get(cli, name, options));
}

async function get(cli: Cli, name: string, { all = false, output }: Options): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const [{ runner }, found] = await Promise.all([
    client(RunnerService).getRunner({ org, runner: name }),
    listAll(
      (page) =>
        client(RunnerService).listRunnerInstances({ org, runner: name, includeRefused: all, ...page }),
      (page) => page.instances,
    ),
  ]);
  if (!runner) throw notFound(`there is no runner ${name} in ${org}`, 'planton runner list');
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, {
      ...toManifestObject(RunnerSchema, runner),
      instances: found.map((instance) => toManifestObject(RunnerInstanceSchema, instance)),
    });
    return;
  }
  print(cli, formatTable(runners.columns, [runner]));
  if (found.length > 0) print(cli, `\n${formatTable(instances.columns, found)}`);
  else
    say(
      cli,
      'no instance has enrolled yet; `planton runner register` and `planton runner token create` say how',
    );
}
