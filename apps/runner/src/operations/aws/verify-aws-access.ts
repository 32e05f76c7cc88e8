import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsAccessVerdict,
  type AwsAuthentication,
  OperationKind,
  type VerifyAwsAccessInput,
  type VerifyAwsAccessOutputSchema,
} from '@planton/api/runner/v1/operation';
import { compareAccount } from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';
import { defineKind, type OperationContext } from '../operation-kind.ts';
import type { CallerIdentity } from './call-aws.ts';
import { refuseOnPlatform, toCauses } from './explain-failure.ts';
import { identifyCaller } from './identify-caller.ts';

type Output = MessageInitShape<typeof VerifyAwsAccessOutputSchema>;

/**
 * Asks AWS who the caller is and compares the account. That AWS refuses is a finding, and with it a success: the operation fails only
 * where it could not be tried.
 */
export const verifyAwsAccess = defineKind({
  kind: OperationKind.VERIFY_AWS_ACCESS,
  input: 'verifyAwsAccess',
  repeatable: true,
  run: async (input, context) => {
    const { authentication } = input;
    const method = authentication?.method;
    if (!authentication || method?.case === undefined)
      throw new OperationFailed(
        'INVALID',
        'AUTHENTICATION_MISSING',
        'the operation does not say how to authenticate',
      );
    if (context.platform && method.case !== 'accessKey')
      refuseOnPlatform(method.case === 'role' ? method.value : undefined);
    return { output: { case: 'verifyAwsAccess', value: await verify(input, authentication, context) } };
  },
});

async function verify(
  { region, accountId }: VerifyAwsAccessInput,
  authentication: AwsAuthentication,
  context: OperationContext,
): Promise<Output> {
  const { aws, signal, step } = context;
  const found = await identifyCaller({ aws, region, signal }, authentication, step);
  if ('failure' in found) {
    const { verdict, observation, causes } = found.failure;
    return {
      verdict: verdict === 'refused' ? AwsAccessVerdict.REFUSED : AwsAccessVerdict.INCONCLUSIVE,
      observation,
      causes: toCauses(causes),
    };
  }
  return judge(found.caller, accountId, context);
}

function judge({ accountId, arn }: CallerIdentity, expected: string, { step }: OperationContext): Output {
  const wrong = compareAccount(expected, accountId);
  step('comparing the account', wrong ? 'FAILED' : 'PASSED', `AWS answered for account ${accountId}`);
  return {
    verdict: wrong ? AwsAccessVerdict.REFUSED : AwsAccessVerdict.VERIFIED,
    accountId,
    arn,
    observation: `AWS answered for account ${accountId} as ${arn}`,
    causes: toCauses(wrong ? [wrong] : []),
  };
}
