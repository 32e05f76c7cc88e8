import { RunnerTokenSchema } from '@planton/api/runner/v1/runner';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { toManifestObject } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { usage } from '../../errors/cli-error.ts';
import { cleanText } from '../../output/clean-text.ts';
import { formatTime } from '../../output/format-time.ts';
import { type OutputOptions, printValue, withOutput } from '../../output/print-messages.ts';
import { quoteWord } from '../../output/quote-word.ts';
import { parseCount } from '../../program/parse-count.ts';
import { parseDuration } from '../../program/parse-duration.ts';
import { openOrganization } from '../../session/open-session.ts';
import { type Cli, print, say } from '../../terminal/terminal.ts';

interface Options extends OutputOptions {
  readonly pool?: boolean;
  readonly limit?: number;
  readonly expires?: bigint;
}

const examples = `
Examples:
  $ PLANTON_RUNNER_TOKEN=$(planton runner token create my-aws-runner) planton runner start
  $ planton runner token create my-aws-runner --pool --limit 20 --expires 30d > pool.token`;

export function addTokenCreate(token: Command, cli: Cli): void {
  const command = token
    .command('create')
    .argument('<name>', 'name or slug of the runner')
    .description('Make a token that lets an instance of a runner enrol, and print it, this once.')
    .option('--pool', 'let any number of instances enrol until it expires')
    .option('--limit <number>', 'with --pool: how many instances at most', parseCount)
    .addOption(
      new Option('--expires <duration>', 'how long it lives, from 1m to 366d; an hour if left out').argParser(
        parseDuration,
      ),
    )
    .addHelpText('after', examples);
  withOutput(command).action((name: string, options: Options) => create(cli, name, options));
}

async function create(
  cli: Cli,
  name: string,
  { pool = false, limit, expires, output }: Options,
): Promise<void> {
  if (limit !== undefined && !pool)
    throw usage('--limit goes with --pool', 'without --pool a token is good for one instance');
  const { org, client, server } = await openOrganization(cli);
  const { token, text } = await client(RunnerService).createRunnerToken({
    org,
    runner: name,
    useLimit: pool ? (limit ?? 0) : 1,
    ...(expires === undefined ? {} : { lifetime: { seconds: expires, nanos: 0 } }),
  });
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, { ...(token ? toManifestObject(RunnerTokenSchema, token) : {}), text });
    return;
  }
  const uses = !pool
    ? 'one instance'
    : limit === undefined
      ? 'any number of instances'
      : `${limit} instances`;
  const end = formatTime(token?.expireTime);
  say(
    cli,
    `token of runner ${cleanText(token?.runner || name)}, good for ${uses} until ${end}; it cannot be shown again:`,
  );
  print(cli, text);
  say(
    cli,
    `start a runner with it in PLANTON_RUNNER_TOKEN, and PLANTON_SERVER=${quoteWord(server)}: planton runner start`,
  );
}
