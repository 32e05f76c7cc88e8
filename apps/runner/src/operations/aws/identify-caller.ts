import type { AwsAuthentication } from '@planton/api/runner/v1/operation';
import type { AwsFailureExplanation } from '@planton/aws';
import type { TellStep } from '../operation-kind.ts';
import type { AwsKey } from './aws-identity.ts';
import { type AwsCall, type CallerIdentity, getCallerIdentity } from './call-aws.ts';
import { explainCall, isKeySuspect } from './explain-failure.ts';
import { KeyUnresolved, type ResolvedKey, resolveKey } from './resolve-key.ts';

/** Who is calling, or why that could not be found out. */
export type Found =
  | {
      readonly caller: CallerIdentity;
      /** The runner's own key, where it was used. */
      readonly own: AwsKey | undefined;
    }
  | { readonly failure: AwsFailureExplanation };

/** Authenticates as the operation says, and asks AWS who that is, telling each step. That AWS refuses is a finding. */
export async function identifyCaller(
  call: AwsCall,
  authentication: AwsAuthentication,
  step: TellStep,
): Promise<Found> {
  const found = await ask(call, authentication, step);
  // What the SDK keeps may have been replaced since, such as a key in a file.
  const own = authentication.method.case !== 'accessKey';
  if ('failure' in found && own && isKeySuspect(found.failure) && call.aws.lookAgain())
    return ask(call, authentication, step);
  return found;
}

async function ask(call: AwsCall, authentication: AwsAuthentication, step: TellStep): Promise<Found> {
  const { region } = call;
  let resolved: ResolvedKey;
  try {
    resolved = await resolveKey(call, authentication, step);
  } catch (error) {
    if (!(error instanceof KeyUnresolved)) throw error;
    return { failure: explainCall(error.cause, error.method, region, error.secrets) };
  }
  const name = `asking STS in ${region} who the caller is`;
  step(name, 'RUNNING');
  try {
    const caller = await getCallerIdentity(call, resolved.key);
    step(name, 'PASSED', caller.arn);
    return { caller, own: resolved.own };
  } catch (error) {
    const failure = explainCall(error, resolved.method, region, resolved.secrets);
    step(name, 'FAILED', failure.observation);
    return { failure };
  }
}
