import { performance } from 'node:perf_hooks';
import { OperationState } from '@planton/api/runner/v1/operation';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { type Command, Option } from 'commander';
import { operationFailure } from '../operation/operation-failure.ts';
import { cleanText } from '../output/clean-text.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { parseDuration } from '../program/parse-duration.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print } from '../terminal/terminal.ts';

interface Options extends OutputOptions {
  readonly timeout: bigint;
}

/** Milliseconds that the server has to answer in beyond the timeout of the operation, and the longest that it lets a call take. */
const grace = 10_000;
const longestCall = 600_000;

export function addRunnerPing(runner: Command, cli: Cli): void {
  const command = runner
    .command('ping')
    .argument('<name>', 'name or slug of the runner')
    .description('Have a runner answer, and print how long that took from here.')
    .addOption(
      new Option('--timeout <duration>', 'how long to wait, for a runner that is offline as well: 1s to 10m')
        .argParser(parseDuration)
        .default(10n, '10s'),
    );
  withOutput(command).action((name: string, options: Options) => ping(cli, name, options));
}

async function ping(cli: Cli, name: string, { timeout, output }: Options): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const begin = performance.now();
  const { operation } = await client(RunnerService).executeOperation(
    {
      org,
      runner: name,
      input: { kind: { case: 'ping', value: {} } },
      timeout: { seconds: timeout, nanos: 0 },
      purpose: 'planton runner ping',
    },
    { timeoutMs: Math.min(longestCall, Number(timeout) * 1000 + grace) },
  );
  const milliseconds = performance.now() - begin;
  const answer = operation?.output?.kind;
  if (operation?.state !== OperationState.SUCCEEDED || answer?.case !== 'ping')
    throw operationFailure(operation, `the runner ${name} did not answer`);

  const { version, runnerTime } = answer.value;
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, {
      runner: operation.runner,
      round_trip_ms: Number(milliseconds.toFixed(1)),
      version,
      runner_time: formatTime(runnerTime),
      instance_uid: operation.instanceUid,
      operation_uid: operation.uid,
    });
    return;
  }
  print(
    cli,
    `${cleanText(operation.runner)} answered in ${milliseconds.toFixed(1)} ms (version ${cleanText(version)}, instance ${cleanText(operation.instanceUid)})`,
  );
}
