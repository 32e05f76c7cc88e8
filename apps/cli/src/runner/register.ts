import { join, resolve } from 'node:path';
import { RunnerSchema } from '@planton/api/runner/v1/runner';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { cleanText } from '../output/clean-text.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { quoteWord } from '../output/quote-word.ts';
import { openOrganization } from '../session/open-session.ts';
import { configHome } from '../settings/config-home.ts';
import { ask } from '../terminal/ask.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { type HeldCredentials, inspectCredentials } from './credentials/inspect-credentials.ts';
import { makeCredentials, type Registration } from './credentials/make-credentials.ts';
import { withEnrolment } from './credentials/with-enrolment.ts';

interface Options extends OutputOptions {
  readonly name: string;
  readonly yes?: boolean;
  readonly outputDir?: string;
}

const examples = `
Examples:
  $ planton runner register --name my-aws-runner
  $ planton runner register --name my-aws-runner --yes --output-dir /etc/planton-runner`;

const explanation = `A runner proves who it is with a key and a certificate of its own (mutual TLS). The key is made on this machine and never leaves
it; only a request for the certificate goes to the server. So make the credentials on the machine where the runner will run.`;

export function addRunnerRegister(runner: Command, cli: Cli): void {
  const command = runner
    .command('register')
    .description('Register a runner, and make the credentials that it connects with from this machine.')
    .requiredOption('--name <name>', 'name of the runner; registering it again changes nothing')
    .option('-y, --yes', 'make the credentials without asking')
    .option(
      '--output-dir <folder>',
      'folder for credentials.json; one of the runner in ~/.planton if left out',
    )
    .addHelpText('after', examples);
  withOutput(command).action((options: Options) => register(cli, options));
}

async function register(cli: Cli, options: Options): Promise<void> {
  const session = await openOrganization(cli);
  const { name, output } = options;
  const { runner, created } = await session.client(RunnerService).registerRunner({ org: session.org, name });
  if (!runner?.metadata?.slug)
    throw new CliError('the server answered without the runner', {
      exitCode: exitCodes.failed,
      hint: 'is the server of the same version?',
    });
  const { slug } = runner.metadata;
  const done = created ? 'registered' : 'is registered already';
  say(cli, `runner ${cleanText(slug)} ${done} in ${session.org}`);

  const target = { ...session, runner: slug };
  const file = await fileFor(cli, target, options.outputDir);
  const present = await settleCredentials(cli, target, file, options);
  if (output === 'json' || output === 'yaml')
    printValue(cli, output, {
      runner: toManifestObject(RunnerSchema, runner),
      created,
      ...(present ? { credentials_file: file } : {}),
    });
}

/** The slugs came from elsewhere and become folders and words of commands: what is no slug is refused. */
async function fileFor(cli: Cli, { org, runner }: Registration, folder: string | undefined): Promise<string> {
  const standard = await withEnrolment(async ({ credentialsFile }) =>
    credentialsFile(configHome(cli), org, runner),
  );
  return folder === undefined ? standard : join(resolve(folder), 'credentials.json');
}

/** Makes the credentials if they are wanted, and answers whether there are usable ones in the end. */
async function settleCredentials(
  cli: Cli,
  registration: Registration,
  file: string,
  options: Options,
): Promise<boolean> {
  const held = await inspectCredentials(registration, file);
  if (held) say(cli, cleanText(`${file} ${held.description}`));
  else if (cli.interactive && !options.yes) say(cli, explanation);

  if (await areWanted(cli, held, options)) {
    await makeCredentials(registration, file);
    say(cli, `credentials written to ${file}, which only you can read`);
    if (held?.instanceUid) {
      const revoke = `planton runner revoke ${registration.runner} --instance ${held.instanceUid}`;
      say(cli, `the instance of those before stays until it is revoked: ${revoke}`);
    }
  } else if (held?.usable) {
    say(cli, 'they were kept');
  } else {
    if (held && options.yes && !cli.interactive)
      throw new CliError(`no credentials were made, and ${file} was kept`, {
        exitCode: exitCodes.state,
        hint: 'move that file away, or name another folder with --output-dir',
      });
    sayHowToGoOn(cli, registration, options, held ? file : undefined);
    return false;
  }
  say(cli, `start the runner with: ${await startCommand(cli, registration, file)}`);
  return true;
}

/** What exists is replaced only where a person says so. */
async function areWanted(
  cli: Cli,
  held: HeldCredentials | undefined,
  { yes = false }: Options,
): Promise<boolean> {
  if (!cli.interactive) return yes && !held;
  if (held) return (await ask(cli, 'Replace them with new ones?', !held.usable)) ?? false;
  return yes || ((await ask(cli, 'Make the credentials for this machine now?', true)) ?? false);
}

function sayHowToGoOn(
  cli: Cli,
  { server, runner }: Registration,
  { name, outputDir }: Options,
  inTheWay: string | undefined,
): void {
  const org = cli.options().org;
  const scope = org ? ` --org ${quoteWord(org)}` : '';
  const folder = outputDir === undefined ? '' : ` --output-dir ${quoteWord(outputDir)}`;
  if (inTheWay) say(cli, `move ${inTheWay} away first`);
  say(cli, 'make the credentials, on the machine where the runner will run, with:');
  say(cli, `  planton runner register --name ${quoteWord(name)} --yes${scope}${folder}`);
  say(cli, 'or make a token, with which a runner makes its own when it starts, such as in a container:');
  say(cli, `  planton runner token create ${runner}${scope}`);
  say(cli, `  PLANTON_SERVER=${quoteWord(server)} PLANTON_RUNNER_TOKEN=… planton runner start`);
}

/** What starts the runner with this file: the fewest words that mean no other. */
async function startCommand(cli: Cli, { runner }: Registration, file: string): Promise<string> {
  const { findCredentials } = await import('@planton/enrolment');
  const found = await findCredentials(configHome(cli));
  const named = cli.env.PLANTON_RUNNER_CREDENTIALS_FILE || file;
  const namesakes = found.filter((candidate) => candidate.runner === runner);
  if (named !== file || namesakes.length !== 1 || namesakes[0]?.file !== file)
    return `planton runner start --credentials-file ${quoteWord(file)}`;
  return found.length === 1 ? 'planton runner start' : `planton runner start ${runner}`;
}
