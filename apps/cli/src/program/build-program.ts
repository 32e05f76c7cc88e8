import { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import type { Cli, GlobalOptions, Surroundings } from '../terminal/terminal.ts';
import { type Entry, entries } from './commands.ts';
import { reportUsage } from './report-usage.ts';

const examples = `
Examples:
  $ planton auth login --api-key-file key.txt
  $ planton secret set aws-access-key-id value=AKIAIOSFODNN7EXAMPLE
  $ planton apply -f aws-connection.yaml
  $ planton get AwsProviderConnection my-aws-connection
  $ planton connection verify my-aws-connection
  $ planton connection exec --env production -- aws sts get-caller-identity

Settings come from flags, then from PLANTON_SERVER, PLANTON_API_KEY, PLANTON_ORG and PLANTON_ENV, then from the context
in PLANTON_CONFIG_HOME (default ~/.planton).`;

/** The program with those of its commands loaded that `isWanted` wants; the others are known by name and summary alone. */
export async function buildProgram(
  surroundings: Surroundings,
  exit: (code: number) => void,
  isWanted: (entry: Entry) => boolean,
): Promise<Command> {
  const program = new Command('planton')
    .description('Connect cloud accounts, and hand out credentials for them.')
    .usage('COMMAND [options]')
    .option('--server <url>', 'server to talk to')
    .option('--org <slug>', 'organisation to work in')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .showSuggestionAfterError(true)
    .configureHelp({ showGlobalOptions: true, sortOptions: false })
    .configureOutput({
      writeOut: (text) => surroundings.stdout.write(text),
      writeErr: (text) => surroundings.stderr.write(text),
      outputError: (text) => reportUsage(surroundings, text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .addHelpText('after', examples)
    .hook('preAction', (_program, command) => refuseEmptyScope(command.optsWithGlobals()))
    .exitOverride();

  const cli: Cli = { ...surroundings, exit, options: () => program.opts<GlobalOptions>() };
  for (const entry of entries) {
    if (isWanted(entry)) (await entry.load())(program, cli);
    else program.command(entry.name);
    const command = program.commands.find((candidate) => candidate.name() === entry.name);
    command?.summary(entry.summary).helpGroup(entry.group);
    if (command?.description() === '')
      command.description(`${entry.summary[0]?.toUpperCase()}${entry.summary.slice(1)}.`);
  }
  return program;
}

/**
 * Flags that say where a command works: an unset variable of a shell must not turn into another place. An empty `--env` is the
 * organisation level, where the context names an environment.
 */
const scopeFlags = ['server', 'org', 'provider', 'connection', 'runner', 'instance'] as const;

function refuseEmptyScope(options: Readonly<Record<string, unknown>>): void {
  const empty = scopeFlags.find((flag) => options[flag] === '');
  if (empty)
    throw usage(`--${empty} is empty`, `leave --${empty} out, or check the variable that it was filled from`);
}
