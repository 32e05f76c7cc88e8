import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  OperationErrorKind,
  OperationKind,
  OperationSchema,
  OperationState,
  OperationStepState,
} from '@planton/api/runner/v1/operation';
import { type ListOperationsRequest, RunnerService } from '@planton/api/runner/v1/runner_service';
import { expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { Code, refusal, serve } from '../testing/serve.ts';

const time = timestampFromDate(new Date('2026-03-01T11:00:00Z'));
const failed = {
  uid: 'o-1',
  runner: 'my-aws-runner',
  kind: OperationKind.VERIFY_AWS_ACCESS,
  state: OperationState.FAILED,
  attempt: 2,
  instanceUid: 'i-1',
  connection: 'aws-runner',
  requestedBy: 'Ada\u001b[2J',
  createTime: time,
  error: {
    kind: OperationErrorKind.OFFLINE,
    reason: 'RUNNER_OFFLINE',
    message: 'no instance has been connected since yesterday',
    hint: 'planton runner start',
    causes: [{ code: AwsAccessCauseCode.UNREACHABLE, message: 'a\u0007 firewall', hint: 'open it' }],
  },
};

async function start(operation: MessageInitShape<typeof OperationSchema> = failed) {
  const asked: ListOperationsRequest[] = [];
  const { url } = await serve((router) =>
    router.service(RunnerService, {
      listOperations(request) {
        asked.push(request);
        const page = Array.from({ length: 2 }, (_, at) => ({
          ...failed,
          uid: `${request.pageToken || 'a'}${at}`,
        }));
        return { operations: page, nextPageToken: `${request.pageToken || 'a'}+` };
      },
      getOperation({ operationUid }) {
        if (operationUid !== 'o-1') throw refusal(Code.NotFound, 'there is no such operation');
        const step = { name: 'asking\r\nsts', state: OperationStepState.FAILED, detail: 'no answer', time };
        return { operation: create(OperationSchema, operation), steps: [step] };
      },
      cancelOperation: () => ({ operation: create(OperationSchema, operation) }),
    }),
  );
  const { cli } = cliAt(url);
  return { asked, cli: (...args: string[]) => cli(['operation', ...args], { env: { PLANTON_ORG: 'acme' } }) };
}

test('list asks for no more than its limit, and filters at the server', async () => {
  const { asked, cli } = await start();
  const { stdout } = await cli('list', '--limit', '3');
  expect(stdout.match(/ a\+*\d$/gm)).toEqual([' a0', ' a1', ' a+0']);
  expect(stdout).toContain(
    'verify_aws_access  failed  my-aws-runner  aws-runner  Ada\\u001b[2J  RUNNER_OFFLINE',
  );
  await cli(
    'list',
    '--limit',
    '2',
    '--runner',
    'r',
    '--state',
    'failed',
    'outcome_unknown',
    '--state',
    'queued',
  );
  expect(asked.map(({ pageSize, pageToken }) => [pageSize, pageToken])).toEqual([
    [3, ''],
    [3, 'a+'],
    [2, ''],
  ]);
  expect(asked[2]).toMatchObject({
    runner: 'r',
    states: [OperationState.FAILED, OperationState.OUTCOME_UNKNOWN, OperationState.QUEUED],
  });
  const listed = JSON.parse((await cli('list', '--limit', '1', '-o', 'json')).stdout);
  expect(listed).toMatchObject([
    { uid: 'a0', kind: 'verify_aws_access', error: { reason: 'RUNNER_OFFLINE' } },
  ]);
});

test('get shows what became of an operation, and its steps', async () => {
  const { cli } = await start();
  expect((await cli('get', 'o-1')).stdout.split('\n')).toEqual([
    'operation     o-1',
    'kind          verify_aws_access',
    'state         failed',
    'runner        my-aws-runner',
    'instance      i-1',
    'attempt       2',
    'connection    aws-runner',
    'asked for by  Ada\\u001b[2J',
    'asked for at  2026-03-01T11:00:00Z',
    'error         RUNNER_OFFLINE: no instance has been connected since yesterday',
    'hint          planton runner start',
    'cause         UNREACHABLE: a\\u0007 firewall (open it)',
    '',
    'TIME                  STATE   STEP                   DETAIL',
    '2026-03-01T11:00:00Z  failed  asking\\u000d\\u000asts  no answer',
    '',
  ]);
  expect(JSON.parse((await cli('get', 'o-1', '-o', 'json')).stdout)).toMatchObject({
    uid: 'o-1',
    steps: [{ state: 'failed', detail: 'no answer' }],
  });
  expect(await cli('get', 'o-2')).toMatchObject({ code: 3, stdout: '' });
});

test('get shows what came out, which is never a secret', async () => {
  const value = {
    verdict: AwsAccessVerdict.REFUSED,
    accountId: '999999999999',
    arn: 'arn:aws:iam::999999999999:user/other',
    observation: 'another account answered',
    causes: [
      { code: AwsAccessCauseCode.WRONG_ACCOUNT, message: 'the keys are of another account', hint: '' },
    ],
  };
  const verified = { uid: 'o-1', output: { kind: { case: 'verifyAwsAccess' as const, value } } };
  const { stdout } = await (await start(verified)).cli('get', 'o-1');
  expect(stdout).toContain('runner     the platform runner\n');
  expect(stdout).toContain('identity   arn:aws:iam::999999999999:user/other\n');
  expect(stdout).toContain('cause      WRONG_ACCOUNT: the keys are of another account\n');

  const issued = { arn: 'arn:aws:sts::1:assumed-role/a/b', expireTime: time };
  const { cli } = await start({
    uid: 'o-1',
    output: { kind: { case: 'issueAwsCredentials', value: issued } },
  });
  expect((await cli('get', 'o-1')).stdout).toContain('credentials until  2026-03-01T11:00:00Z\n');
  const pinged = await start({ uid: 'o-1', output: { kind: { case: 'ping', value: { version: '1.2.3' } } } });
  expect((await pinged.cli('get', 'o-1')).stdout).toContain('version    1.2.3\n');
});

test.each([
  [OperationState.CANCELLED, 0, 'operation o-1 cancelled'],
  [OperationState.RUNNING, 0, 'is being cancelled'],
  [OperationState.SUCCEEDED, 5, 'operation o-1 has ended already: succeeded'],
  [OperationState.OUTCOME_UNKNOWN, 5, 'operation o-1 has ended already: outcome unknown'],
])('cancelling what is in state %i then ends with exit code %i', async (state, exitCode, message) => {
  const { code, stderr } = await (await start({ uid: 'o-1', state })).cli('cancel', 'o-1');
  expect(code).toBe(exitCode);
  expect(stderr).toContain(message);
});
