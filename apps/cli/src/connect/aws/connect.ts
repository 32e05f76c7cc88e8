import { type AwsTrustSetup, AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import {
  ConnectionService,
  type InitiateAwsTrustSetupResponse,
} from '@planton/api/connect/v1/connection_service';
import { type Command, Option } from 'commander';
import { CliError, exitCodes, usage } from '../../errors/cli-error.ts';
import { cleanText } from '../../output/clean-text.ts';
import { formatFields } from '../../output/format-fields.ts';
import { formatTime } from '../../output/format-time.ts';
import { withOutput } from '../../output/print-messages.ts';
import { quoteWord } from '../../output/quote-word.ts';
import { parseDuration } from '../../program/parse-duration.ts';
import { splitList } from '../../program/split-list.ts';
import { openOrganization } from '../../session/open-session.ts';
import { type Cli, paint, print, say } from '../../terminal/terminal.ts';
import { capabilitiesOf, reportSetup } from './describe-setup.ts';
import { type ConnectOptions, formatCommand } from './options.ts';
import { printRole } from './print-role.ts';
import { capabilityNames, defaultRegion, readRequest } from './read-request.ts';
import { waitForSetup } from './wait-for-setup.ts';

const examples = `
Examples:
  $ planton connect aws --name prod-aws --account-id 123456789012
  $ planton connect aws --name prod-aws --account-id 123456789012 --capabilities eks,vpc_networking,s3_storage
  $ planton connect aws --name prod-aws --account-id 123456789012 -o json

Capabilities: ${capabilityNames.join(', ')}.

It begins a set-up, opens the AWS console with the stack filled in, and waits until the role was verified. The set-up goes on without the
command; the same command waits for it again. Exit code 6 if it failed or expired, 7 if --timeout was over first.`;

export function addConnectAws(connect: Command, cli: Cli): void {
  const command = connect
    .command('aws')
    .description(
      'Connect an AWS account by a role in it that trusts the platform; no key is stored anywhere.',
    )
    .requiredOption('--name <name>', 'name of the connection')
    .requiredOption('--account-id <id>', 'the account, 12 digits')
    .option('--region <region>', `region of the connection and of the stack; ${defaultRegion} if left out`)
    .option(
      '--capabilities <names>',
      'what the role may be used for, separated by commas; all if left out',
      splitList,
    )
    .option('--permissions-boundary <arn>', 'managed policy that bounds the role')
    .option(
      '--reconnect',
      'give a connection that exists a new role; the old one is used until that was verified',
    )
    .addOption(
      new Option(
        '--callback <when>',
        'whether the stack tells the server that it is complete; auto: if it can reach it',
      )
        .choices(['auto', 'always', 'never'])
        .default('auto'),
    )
    .option('--no-stack', 'wait for a role that you make in another way, as -o json describes it')
    .option('--no-browser', 'print the link instead of opening it')
    .option('--timeout <duration>', 'stop waiting after this long, such as 10m; the set-up goes on')
    .addHelpText('after', examples);
  withOutput(command).action((options: ConnectOptions) => connectAws(cli, options));
}

async function connectAws(cli: Cli, options: ConnectOptions): Promise<void> {
  const request = readRequest(options);
  const timeout = options.timeout === undefined ? undefined : Number(parseDuration(options.timeout)) * 1000;
  const { output } = options;
  const asData = output === 'json' || output === 'yaml';
  if (asData && timeout !== undefined)
    throw usage('--timeout goes without -o json and -o yaml, which do not wait', 'leave --timeout out');
  const session = await openOrganization(cli);
  const { org, client } = session;
  const answer = await client(ConnectionService).initiateAwsTrustSetup({ ...request, org });
  const { setup } = answer;
  if (!setup)
    throw new CliError('the server answered without a set-up', {
      exitCode: exitCodes.failed,
      hint: 'is PLANTON_SERVER a Planton server of the same version?',
    });
  announce(cli, options, setup, answer);
  if (asData) {
    printRole(cli, output, setup, answer);
    say(
      cli,
      'the server connects the account by itself as soon as the role is there and trusts it as described',
    );
    say(cli, `wait for it with: ${formatCommand(cli.options(), options, 'wait')}`);
    return;
  }
  conclude(cli, options, await waitForSetup(cli, { options, session, setup, answer, timeout }));
}

/** Says what was begun, and what was decided for want of an option. */
function announce(
  cli: Cli,
  { region, capabilities }: ConnectOptions,
  setup: AwsTrustSetup,
  { resumed }: InitiateAwsTrustSetupResponse,
): void {
  const until = formatTime(setup.expireTime);
  const what = `account ${setup.accountId} as ${setup.connection}${until === '' ? '' : `; the set-up is open until ${until}`}`;
  say(cli, cleanText(`${resumed ? 'still connecting' : 'connecting'} ${what}`));
  if (region === undefined) say(cli, cleanText(`region ${setup.region}, for want of --region`));
  if (capabilities === undefined)
    say(cli, `all capabilities, for want of --capabilities: ${capabilitiesOf(setup).join(', ')}`);
}

/** Prints what the set-up has come to, and says what can be done next. */
function conclude(cli: Cli, options: ConnectOptions, setup: AwsTrustSetup): void {
  print(cli, formatFields(reportSetup(setup)));
  const { connection } = setup;
  if (setup.state === AwsTrustSetupState.COMPLETED) {
    say(cli, `${paint(cli, 'green', 'connected:')} ${cleanText(connection)}`);
    say(cli, `see it with: ${cleanText(`planton get AwsProviderConnection ${quoteWord(connection)}`)}`);
    return;
  }
  const what = setup.state === AwsTrustSetupState.EXPIRED ? 'the set-up expired' : 'the set-up failed';
  say(cli, `${paint(cli, 'red', 'error:')} ${what}; nothing was connected or changed`);
  say(cli, `${paint(cli, 'cyan', 'hint:')} begin again with: ${formatCommand(cli.options(), options)}`);
  cli.exit(exitCodes.negative);
}
