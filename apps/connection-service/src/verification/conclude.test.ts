import { AuditOutcome } from '@planton/api/common/v1/audit';
import { VerificationOutcome } from '@planton/api/connect/v1/connection_status';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  OperationErrorKind,
  OperationState,
  OperationStepState,
} from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { verify } from '../testing/collect-verification.ts';
import { ACCOUNT, answering, failed, runnerStep, succeeded } from '../testing/fake-runner-service.ts';
import { runnerMode, useVerification } from '../testing/use-verification.ts';

const { VERIFIED, REFUSED, INCONCLUSIVE } = VerificationOutcome;

describe.each(engines)('what verifications mean on %s', (kind) => {
  const { service, connected, statusOf, auditOf } = useVerification(kind);

  test('another account than the connection names is refused, whatever the runner makes of it', async () => {
    const { admin, slug: org } = await connected();
    const other = '210987654321';
    service().runners.carry = answering({ accountId: other, arn: `arn:aws:iam::${other}:root` });
    const { steps, result } = await verify(admin, org, 'a');
    expect(steps.slice(-2)).toEqual([
      'comparing the account: running',
      `comparing the account: failed - ${result.message}`,
    ]);
    expect(result.message).toContain(other);
    expect(result).toMatchObject({
      outcome: REFUSED,
      causes: [{ code: 'WRONG_ACCOUNT' }],
      identity: `arn:aws:iam::${other}:root`,
    });
    expect(result.lastSuccessTime).toBeUndefined();
  });

  test('a comparison that the runner made too is told once, unless the two differ', async () => {
    const { admin, slug: org } = await connected();
    const compared = runnerStep('comparing the account', OperationStepState.PASSED, 'by the runner');
    const comparisons = async (accountId: string) => {
      const verdict = AwsAccessVerdict.VERIFIED;
      service().runners.carry = () => [compared, succeeded({ verdict, accountId, arn: 'arn' })];
      const { steps } = await verify(admin, org, 'a');
      return steps.filter((step) => step.startsWith('comparing')).map((step) => step.split(' - ')[0]);
    };
    expect(await comparisons(ACCOUNT)).toEqual(['comparing the account: passed']);
    expect(await comparisons('210987654321')).toEqual([
      'comparing the account: passed',
      'comparing the account: running',
      'comparing the account: failed',
    ]);
  });

  test('a refusal of the provider keeps the causes that the runner found, most likely first', async () => {
    const { admin, slug: org } = await connected();
    service().runners.carry = answering({
      verdict: AwsAccessVerdict.REFUSED,
      accountId: '',
      arn: '',
      observation: 'InvalidClientTokenId: The security token included in the request is invalid.',
      causes: [
        { code: AwsAccessCauseCode.UNKNOWN_KEY, message: 'AWS does not know the key', hint: 'make another' },
        { code: AwsAccessCauseCode.PROPAGATING, message: 'it is new', hint: 'wait' },
      ],
    });
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({
      outcome: REFUSED,
      message: 'InvalidClientTokenId: The security token included in the request is invalid.',
      causes: [{ code: 'UNKNOWN_KEY', hint: 'make another' }, { code: 'PROPAGATING' }],
    });
  });

  test.each([
    [OperationErrorKind.AUTHENTICATION, REFUSED],
    [OperationErrorKind.TRANSIENT, INCONCLUSIVE],
    [OperationErrorKind.REFUSED, INCONCLUSIVE],
    [OperationErrorKind.OFFLINE, INCONCLUSIVE],
    [OperationErrorKind.DEADLINE, INCONCLUSIVE],
    [OperationErrorKind.INTERNAL, INCONCLUSIVE],
    [OperationErrorKind.INVALID, INCONCLUSIVE],
  ])('an operation that fails with kind %i means outcome %i', async (error, outcome) => {
    const { admin, slug: org } = await connected();
    const why = { reason: 'SOME_REASON', message: 'it did not work', hint: 'look there' };
    service().runners.carry = () => [failed(error, why)];
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({
      outcome,
      message: 'it did not work',
      causes: [{ code: 'SOME_REASON', message: 'it did not work', hint: 'look there' }],
    });
  });

  test('a runner that never stops talking is not listened to for ever', async () => {
    const { admin, slug: org } = await connected();
    const step = runnerStep('thinking', OperationStepState.RUNNING);
    const end = succeeded({ verdict: AwsAccessVerdict.VERIFIED, accountId: ACCOUNT, arn: 'arn' });
    service().runners.carry = () => [...Array.from({ length: 600 }, () => step), end];
    const { steps, result } = await verify(admin, org, 'a');
    expect(steps.filter((each) => each === 'thinking: running')).toHaveLength(500);
    expect(result.outcome).toBe(VERIFIED);
  });

  test('a runner that is offline is waited for, and then said to be', async () => {
    const organization = await connected(runnerMode);
    const { admin, slug: org } = organization;
    const message = 'runner my-runner is offline, last seen 2 hours ago';
    service().runners.carry = () => [
      { event: { case: 'operation', value: { state: OperationState.QUEUED } } },
      failed(OperationErrorKind.OFFLINE, { reason: 'RUNNER_OFFLINE', message }, 0),
    ];
    const { steps, result } = await verify(admin, org, 'a');
    expect(steps).toEqual([
      'waiting for runner my-runner: running',
      `waiting for runner my-runner: failed - ${message}`,
    ]);
    expect(result).toMatchObject({ outcome: INCONCLUSIVE, message, causes: [{ code: 'RUNNER_OFFLINE' }] });
    expect(await auditOf(organization)).toMatchObject([
      { outcome: AuditOutcome.FAILED, details: { result: 'inconclusive', reason: 'RUNNER_OFFLINE' } },
    ]);
  });

  test.each([
    ['the runner gateway is away', 'runners', 1],
    ['config-manager is away', 'config', 0],
  ] as const)('that %s says nothing about the connection', async (_, which, runs) => {
    const { admin, slug: org } = await connected();
    const before = service().runners.runs.length;
    if (which === 'config') service().config.fault = () => 'before';
    else service().runners.fault = () => 'before';
    const { steps, result } = await verify(admin, org, 'a');
    expect(steps.at(-1)).toContain('failed - the call was lost');
    expect(result).toMatchObject({ outcome: INCONCLUSIVE, causes: [{ code: 'LOST' }] });
    expect(service().runners.runs.length - before).toBe(runs);
  });

  test.each([
    ['no end', []],
    ['an end without an operation', [{ event: { case: 'end', value: {} } }]],
    [
      'an operation that ended without a result',
      [
        {
          event: { case: 'end', value: { operation: { state: OperationState.OUTCOME_UNKNOWN, attempt: 1 } } },
        },
      ],
    ],
    [
      'the answer to another question',
      [
        {
          event: {
            case: 'end',
            value: {
              operation: {
                state: OperationState.SUCCEEDED,
                attempt: 1,
                output: { kind: { case: 'ping', value: {} } },
              },
            },
          },
        },
      ],
    ],
    ['a success without an account', [succeeded({ verdict: AwsAccessVerdict.VERIFIED })]],
    ['no verdict', [succeeded({ accountId: ACCOUNT })]],
  ] as const)('%s verifies nothing', async (_, events) => {
    const { admin, slug: org } = await connected();
    service().runners.carry = () => [...events];
    const { result } = await verify(admin, org, 'a');
    expect(result.outcome).toBe(INCONCLUSIVE);
    expect(result.message).not.toBe('');
    expect(result.lastSuccessTime).toBeUndefined();
  });

  test('finding nothing out leaves the last success and the schedule as they were', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    const { result: first } = await verify(admin, org, 'a');
    service().runners.fault = () => 'before';
    const { result: second } = await verify(admin, org, 'a');
    expect(second.outcome).toBe(INCONCLUSIVE);
    expect(second.identity).toBe('');
    expect(second.lastSuccessTime).toEqual(first.lastSuccessTime);
    expect(second.nextVerifyTime).toEqual(first.nextVerifyTime);
    expect(await statusOf(organization)).toEqual(second);
  });
});
