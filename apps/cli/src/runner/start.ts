import type { Command } from 'commander';
import { keepCompiledCode } from '../companion/keep-compiled-code.ts';
import { runCompanion } from '../companion/run-companion.ts';
import { configHome } from '../settings/config-home.ts';
import { readContext } from '../settings/context.ts';
import type { Cli, GlobalOptions } from '../terminal/terminal.ts';

export function addRunnerStart(runner: Command, cli: Cli): void {
  addStartTo(runner, cli.options, async (words) => {
    keepCompiledCode(configHome(cli), 'runner');
    const code = await runCompanion('runner', [...words, ...(await contextServer(cli))]);
    // Nothing that is left over, such as a call that nobody waits for, keeps the process.
    process.exit(code);
  });
}

/** The server of the context, for a runner that enrols: its program knows flags and variables alone. */
async function contextServer(cli: Cli): Promise<string[]> {
  const { PLANTON_RUNNER_TOKEN, PLANTON_SERVER } = cli.env;
  if (!PLANTON_RUNNER_TOKEN || PLANTON_SERVER || cli.options().server) return [];
  return flag('--server', (await readContext(cli)).server);
}

interface Options {
  readonly credentialsFile?: string;
}

/** Everything after `start` belongs to the runner's own program, its help and what every command takes included. */
export function addStartTo(
  runner: Command,
  globalOptions: () => GlobalOptions,
  hand: (words: readonly string[]) => Promise<void>,
): void {
  runner
    .command('start')
    .argument('[args...]', 'name of the runner, and options of the runner program')
    .description('Run a runner in this process, with the credentials of this machine.')
    .option('--credentials-file <path>', 'credentials to use, where there are several')
    .helpOption(false)
    .allowUnknownOption()
    .action((_words: unknown, options: Options, command: Command) => {
      const { server, org } = globalOptions();
      const taken = [
        ...flag('--server', server),
        ...flag('--org', org),
        ...flag('--credentials-file', options.credentialsFile),
      ];
      return hand([...command.args, ...taken]);
    });
}

/** A flag that was taken on the way, as it was typed. */
function flag(name: string, value: string | undefined): string[] {
  return value === undefined ? [] : [name, value];
}
