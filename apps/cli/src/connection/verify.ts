import {
  ConnectionService,
  type VerificationStep,
  VerificationStepState,
} from '@planton/api/connect/v1/connection_service';
import {
  type ConnectionVerification,
  ConnectionVerificationSchema,
  VerificationOutcome,
} from '@planton/api/connect/v1/connection_status';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { cleanText } from '../output/clean-text.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { quoteWord } from '../output/quote-word.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, paint, print, say } from '../terminal/terminal.ts';
import { reportVerification } from './verification.ts';

/** Milliseconds. A verification waits for a runner that is offline, and for what AWS has not made known everywhere yet. */
const verifyTimeout = 300_000;

const exitCodeOf: Readonly<Record<VerificationOutcome, number>> = {
  [VerificationOutcome.UNSPECIFIED]: exitCodes.failed,
  [VerificationOutcome.VERIFIED]: exitCodes.done,
  [VerificationOutcome.REFUSED]: exitCodes.negative,
  [VerificationOutcome.INCONCLUSIVE]: exitCodes.unavailable,
  [VerificationOutcome.INSECURE]: exitCodes.negative,
};

export function addVerify(connection: Command, cli: Cli): void {
  const command = connection
    .command('verify')
    .argument('<name>', 'name or slug of the connection')
    .description(
      'Have a runner try a connection, and say what it found. Exit code 6 if the connection does not work or lets others in, 7 if it could not be found out.',
    )
    .addHelpText('after', '\nExamples:\n  $ planton connection verify my-aws-connection');
  withOutput(command).action((name: string, options: OutputOptions) => verify(cli, name, options));
}

async function verify(cli: Cli, name: string, { output }: OutputOptions): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const asData = output === 'json' || output === 'yaml';
  let result: ConnectionVerification | undefined;
  const answers = client(ConnectionService).verifyConnection(
    { org, connection: name },
    { timeoutMs: verifyTimeout },
  );
  for await (const { event } of answers) {
    if (event.case === 'result') result = event.value;
    else if (event.case === 'step' && !asData) tellStep(cli, event.value);
  }
  if (!result)
    throw new CliError(`the verification of ${name} ended without a result`, {
      exitCode: exitCodes.unavailable,
      hint: `try again: planton connection verify ${quoteWord(name)}`,
    });
  if (asData) printValue(cli, output, toManifestObject(ConnectionVerificationSchema, result));
  else print(cli, reportVerification(name, result));
  cli.exit(exitCodeOf[result.outcome] ?? exitCodes.failed);
}

const words = new Map<VerificationStepState, readonly [word: string, colour: 'cyan' | 'green' | 'red']>([
  [VerificationStepState.RUNNING, ['begun', 'cyan']],
  [VerificationStepState.PASSED, ['passed', 'green']],
  [VerificationStepState.FAILED, ['failed', 'red']],
]);

/** Tells a step in a line of its own: to a person as it begins and as it ends, to a log as it ends. */
function tellStep(cli: Cli, { name, state, detail }: VerificationStep): void {
  if (state === VerificationStepState.RUNNING && !cli.interactive) return;
  const [word, colour] = words.get(state) ?? ['?', 'cyan'];
  const text = detail === '' ? name : `${name}: ${detail}`;
  say(cli, `${paint(cli, colour, word.padEnd(6))}  ${cleanText(text)}`);
}
