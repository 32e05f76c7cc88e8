import { type Command, Option } from 'commander';
import { type Target, withTarget } from '../connection/target.ts';
import { explainError } from '../errors/explain-error.ts';
import { openOrganization } from '../session/open-session.ts';
import { environmentOf } from '../settings/context.ts';
import { type Cli, say, warn } from '../terminal/terminal.ts';
import { issueCredentials } from './credentials.ts';
import { credentialsOf, type Injection } from './provider-credentials.ts';
import { runChild } from './run-child.ts';
import { readScope, type ScopeOptions, withScope } from './scope.ts';

interface Options extends Target, ScopeOptions {
  readonly inject: Injection;
}

const standardPurpose = 'planton connection exec';
const examples = `
Examples:
  $ planton connection exec -- aws sts get-caller-identity
  $ planton connection exec --env production -- terraform apply
  $ planton connection exec --inject env -- ./a-tool-that-knows-only-variables

The command sees no other credentials of the provider: variables are removed, and files in the home folder are not read.`;

export function addExec(connection: Command, cli: Cli): void {
  withScope(withTarget(connection.command('exec')))
    .argument('<command...>', 'command and its arguments, after --')
    .description('Run a command with credentials of the connection that applies, and exit as it does.')
    .addOption(
      new Option(
        '--inject <way>',
        'endpoint: renewed while the command runs; env: plain variables, never renewed',
      )
        .choices(['endpoint', 'env'])
        .default('endpoint'),
    )
    .addHelpText('after', examples)
    .action((words: readonly string[], options: Options) => exec(cli, words, options));
}

async function exec(cli: Cli, words: readonly string[], options: Options): Promise<void> {
  const scope = await readScope(options);
  const purpose = options.purpose ?? standardPurpose;
  const session = await openOrganization(cli);
  const environment = await environmentOf(cli, options.env);
  const first = await issueCredentials(session, environment, options, scope, purpose);
  // Renewals stay with the connection that the command was started with, whatever becomes of the defaults.
  const target: Target = { connection: first.connection };
  const issue = () => issueCredentials(session, environment, target, scope, purpose);

  const provision = await credentialsOf(first).provide({
    injection: options.inject,
    parent: cli.env,
    first,
    issue,
    now: cli.now,
    onFailure: (error) =>
      warn(cli, `credentials were not renewed: ${explainError(error)?.message ?? 'unknown reason'}`),
  });
  if (provision.endTime)
    say(cli, `the credentials end at ${provision.endTime.toISOString()} and are not renewed`);
  try {
    cli.exit(await runChild(words, provision.env, cli.interactive));
  } finally {
    await provision.close();
  }
}
