import { AuthMode, type AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import {
  AwsAccessVerdict,
  type OperationOutput,
  type VerifyAwsAccessOutput,
} from '@planton/api/runner/v1/operation';
import { compareAccount } from '@planton/aws';
import type { FieldValues } from '../../references/reference.ts';
import type { Conclusion } from '../provider.ts';
import { readScalar } from './check-spec.ts';
import { answerNotUnderstood, readCause } from './read-causes.ts';
import { readTrustVerification } from './read-trust-verification.ts';

/**
 * What a runner observed, compared once more with the account that the connection names: a verdict of the runner alone verifies
 * nothing.
 */
export function readVerification(
  spec: AwsProviderConnectionSpec,
  resolved: FieldValues,
  answer: OperationOutput,
): Conclusion {
  const expected = readScalar('spec.account_id', spec.accountId, resolved)?.value ?? '';
  if (spec.authMode === AuthMode.CROSS_ACCOUNT_TRUST) return readTrustVerification(answer, expected);
  const { kind } = answer;
  if (kind.case !== 'verifyAwsAccess')
    return notUnderstood('the runner answered something else than it was asked');
  const output = kind.value;
  if (output.accountId === '') return notVerified(output);
  const wrong = compareAccount(expected, output.accountId);
  const detail = wrong?.message ?? `it is account ${expected}`;
  const checks = [{ name: 'comparing the account', passed: wrong === undefined, detail }];
  if (wrong) {
    return { outcome: 'refused', message: wrong.message, causes: [wrong], identity: output.arn, checks };
  }
  if (output.verdict !== AwsAccessVerdict.VERIFIED) {
    return { ...notVerified(output), identity: output.arn, checks };
  }
  return {
    outcome: 'verified',
    message: `account ${expected} answered as ${output.arn}`,
    causes: [],
    identity: output.arn,
    checks,
  };
}

/** The runner did not verify it, or named no account that could be compared. */
function notVerified(output: VerifyAwsAccessOutput): Conclusion {
  if (output.verdict === AwsAccessVerdict.VERIFIED) return notUnderstood('the runner named no account');
  const refused = output.verdict === AwsAccessVerdict.REFUSED;
  const fallback = refused
    ? 'the credentials were refused'
    : 'nothing could be found out about the credentials';
  return {
    outcome: refused ? 'refused' : 'inconclusive',
    message: output.observation === '' ? fallback : output.observation,
    causes: output.causes.map(readCause),
    identity: '',
    checks: [],
  };
}

function notUnderstood(message: string): Conclusion {
  return {
    outcome: 'inconclusive',
    message,
    causes: [answerNotUnderstood(message)],
    identity: '',
    checks: [],
  };
}
