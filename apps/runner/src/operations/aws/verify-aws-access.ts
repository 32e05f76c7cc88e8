import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsAccessVerdict,
  OperationKind,
  type VerifyAwsAccessInput,
  type VerifyAwsAccessOutputSchema,
} from '@planton/api/runner/v1/operation';
import { type AwsFailureExplanation, compareAccount } from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';
import { defineKind, type OperationContext } from '../operation-kind.ts';
import { type AwsCall, type CallerIdentity, getCallerIdentity } from './call-aws.ts';
import { explainCall, isKeySuspect, refuseOnPlatform, toCauses } from './explain-failure.ts';
import { KeyUnresolved, type ResolvedKey, resolveKey } from './resolve-key.ts';

type Output = MessageInitShape<typeof VerifyAwsAccessOutputSchema>;
type Found =
  | { readonly caller: CallerIdentity }
  | { readonly failure: AwsFailureExplanation; readonly own: boolean };

/**
 * Asks AWS who the caller is and compares the account. That AWS refuses is a finding, and with it a success: the operation fails only
 * where it could not be tried.
 */
export const verifyAwsAccess = defineKind({
  kind: OperationKind.VERIFY_AWS_ACCESS,
  input: 'verifyAwsAccess',
  repeatable: true,
  run: async (input, context) => {
    const { method } = input.authentication ?? {};
    if (method?.case === undefined)
      throw new OperationFailed(
        'INVALID',
        'AUTHENTICATION_MISSING',
        'the operation does not say how to authenticate',
      );
    if (context.platform && method.case !== 'accessKey')
      refuseOnPlatform(method.case === 'role' ? method.value : undefined);
    return { output: { case: 'verifyAwsAccess', value: await verify(input, context) } };
  },
});

async function verify(input: VerifyAwsAccessInput, context: OperationContext): Promise<Output> {
  let found = await ask(input, context);
  // What the SDK keeps may have been replaced since, such as a key in a file.
  if ('failure' in found && found.own && isKeySuspect(found.failure) && context.aws.lookAgain())
    found = await ask(input, context);
  if ('failure' in found) {
    const { verdict, observation, causes } = found.failure;
    return {
      verdict: verdict === 'refused' ? AwsAccessVerdict.REFUSED : AwsAccessVerdict.INCONCLUSIVE,
      observation,
      causes: toCauses(causes),
    };
  }
  return judge(found.caller, input.accountId, context);
}

async function ask(input: VerifyAwsAccessInput, context: OperationContext): Promise<Found> {
  const { region, authentication } = input;
  const { aws, signal, step } = context;
  const call: AwsCall = { aws, region, signal };
  if (!authentication) throw new TypeError('no authentication');
  const own = authentication.method.case !== 'accessKey';
  let resolved: ResolvedKey;
  try {
    resolved = await resolveKey(call, authentication, step);
  } catch (error) {
    if (!(error instanceof KeyUnresolved)) throw error;
    return { failure: explainCall(error.cause, error.method, region, error.secrets), own };
  }
  const name = `asking STS in ${region} who the caller is`;
  step(name, 'RUNNING');
  try {
    const caller = await getCallerIdentity(call, resolved.key);
    step(name, 'PASSED', caller.arn);
    return { caller };
  } catch (error) {
    const failure = explainCall(error, resolved.method, region, resolved.secrets);
    step(name, 'FAILED', failure.observation);
    return { failure, own };
  }
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
