import {
  AwsAccessCauseCode,
  type Operation,
  type OperationOutput,
  OperationSchema,
  type OperationStep,
  OperationStepSchema,
  OperationStepState,
} from '@planton/api/runner/v1/operation';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { notFound } from '../errors/cli-error.ts';
import { formatEnum } from '../output/format-enum.ts';
import { formatFields } from '../output/format-fields.ts';
import { formatTable } from '../output/format-table.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print } from '../terminal/terminal.ts';
import { kindOf, runnerOf, stateOf } from './operation.ts';

export function addOperationGet(operation: Command, cli: Cli): void {
  const command = operation
    .command('get')
    .argument('<uid>', 'uid of the operation; `planton operation list` shows it')
    .description('Show an operation with the steps of its last attempt.');
  withOutput(command).action((uid: string, options: OutputOptions) => get(cli, uid, options));
}

async function get(cli: Cli, uid: string, { output }: OutputOptions): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const { operation, steps } = await client(RunnerService).getOperation({ org, operationUid: uid });
  if (!operation) throw notFound(`there is no operation ${uid} in ${org}`, 'planton operation list');
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, {
      ...toManifestObject(OperationSchema, operation),
      steps: steps.map((step) => toManifestObject(OperationStepSchema, step)),
    });
    return;
  }
  print(cli, formatFields(fieldsOf(operation)));
  if (steps.length > 0) print(cli, `\n${formatTable(columns, steps)}`);
}

const columns = [
  ['TIME', ({ time }: OperationStep) => formatTime(time)],
  ['STATE', ({ state }: OperationStep) => formatEnum(OperationStepState, state)],
  ['STEP', ({ name }: OperationStep) => name],
  ['DETAIL', ({ detail }: OperationStep) => detail],
] as const;

function fieldsOf(operation: Operation): (readonly [string, string])[] {
  const { error, output, attempt } = operation;
  return [
    ['operation', operation.uid],
    ['kind', kindOf(operation)],
    ['state', stateOf(operation)],
    ['runner', runnerOf(operation)],
    ['instance', operation.instanceUid],
    ['attempt', attempt > 0 ? String(attempt) : ''],
    ['connection', operation.connection],
    ['asked for by', operation.requestedBy],
    ['asked for at', formatTime(operation.createTime)],
    ['begun at', formatTime(operation.startTime)],
    ['ended at', formatTime(operation.endTime)],
    ['deadline', formatTime(operation.deadline)],
    ...outputFields(output),
    ['error', error ? `${error.reason}: ${error.message}` : ''],
    ['hint', error?.hint ?? ''],
    ...(error?.causes ?? []).map(
      ({ code, message, hint }) =>
        ['cause', causeText(formatEnum(AwsAccessCauseCode, code), message, hint)] as const,
    ),
  ];
}

function causeText(code: string, message: string, hint: string): string {
  return `${code.toUpperCase()}: ${message}${hint === '' ? '' : ` (${hint})`}`;
}

/** What came out, field by field, as the manifest dialect has it. */
function outputFields(output: OperationOutput | undefined): (readonly [string, string])[] {
  const kind = output?.kind;
  switch (kind?.case) {
    case 'ping':
      return [['version', kind.value.version]];
    case 'verifyAwsAccess': {
      const { arn, accountId, observation, causes } = kind.value;
      return [
        ['account', accountId],
        ['identity', arn],
        ['observed', observation],
        ...causes.map(
          ({ code, message, hint }) =>
            ['cause', causeText(formatEnum(AwsAccessCauseCode, code), message, hint)] as const,
        ),
      ];
    }
    case 'issueAwsCredentials':
      return [
        ['identity', kind.value.arn],
        ['credentials until', formatTime(kind.value.expireTime)],
      ];
    default:
      return [];
  }
}
