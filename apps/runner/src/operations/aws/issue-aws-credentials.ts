import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { IssuedAwsCredentialsSchema, OperationKind } from '@planton/api/runner/v1/operation';
import { type AwsFailureExplanation, readAwsFailure } from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';
import { defineKind, type OperationContext } from '../operation-kind.ts';
import type { AwsKey } from './aws-identity.ts';
import { type AwsCall, assumeRole, type RoleRequest, type RoleSession, requestOf } from './call-aws.ts';
import { checkRole } from './check-role.ts';
import { explainCall, isDenied, isKeySuspect, refuseOnPlatform, toCauses } from './explain-failure.ts';
import { valuesOf } from './resolve-key.ts';
import { openSealer } from './seal-output.ts';

/** Seconds that a session of every role may live, also where it is assumed from a session. */
const ALWAYS_ALLOWED_SECONDS = 3_600;

/**
 * Assumes a role with the runner's own identity and returns the credentials, sealed to whoever asked. They have the tags and the source
 * identity that were asked for where the role takes them, and live as long as was asked for where the role allows it: an hour otherwise.
 */
export const issueAwsCredentials = defineKind({
  kind: OperationKind.ISSUE_AWS_CREDENTIALS,
  input: 'issueAwsCredentials',
  repeatable: true,
  run: async (input, context) => {
    const { role } = checkRole(input);
    if (context.platform) refuseOnPlatform(role);
    const sealer = await openSealer(context.resultPublicKey);
    const { session, tagged } = await issue(requestOf(role), input.region, context);
    const expireTime = timestampFromDate(session.expireTime);
    const issued = create(IssuedAwsCredentialsSchema, { ...session.key, expireTime });
    return {
      output: { case: 'issueAwsCredentials', value: { arn: session.arn, expireTime, tagged } },
      sealedOutput: await sealer.seal(toBinary(IssuedAwsCredentialsSchema, issued), context.attempt),
    };
  },
});

interface Issued {
  readonly session: RoleSession;
  readonly tagged: boolean;
}

interface Failed {
  readonly error: unknown;
  readonly failure: AwsFailureExplanation;
}

async function issue(request: RoleRequest, region: string, context: OperationContext): Promise<Issued> {
  const { aws, signal, step } = context;
  let found = await tryRole({ aws, region, signal }, request, step);
  // What the SDK keeps may have been replaced since, such as a key in a file.
  if ('failure' in found && isKeySuspect(found.failure) && aws.lookAgain())
    found = await tryRole({ aws, region, signal }, request, step);
  if ('session' in found) return found;
  throw failureOf(found);
}

/** Tries it as it is asked for, and once more for each thing that the role does not take. */
async function tryRole(
  call: AwsCall,
  asked: RoleRequest,
  step: OperationContext['step'],
): Promise<Issued | Failed> {
  const secrets = [asked.externalId];
  let own: AwsKey;
  try {
    own = await call.aws.ownKey();
  } catch (error) {
    const failure = explainCall(error, 'role', call.region, secrets);
    step(`assuming ${asked.roleArn}`, 'FAILED', failure.observation);
    return { error, failure };
  }
  secrets.push(...valuesOf(own));
  // A session that assumes a role gets no longer one, and is refused where it asks for more.
  const chained = own.sessionToken !== undefined;
  let request: RoleRequest = chained ? limitDuration(asked) : asked;
  for (;;) {
    const found = await assume(call, own, request, secrets, step);
    if ('session' in found) return { session: found.session, tagged: isTagged(request) };
    const less = askForLess(request, found.error);
    if (!less) return found;
    request = less;
  }
}

async function assume(
  call: AwsCall,
  own: AwsKey,
  request: RoleRequest,
  secrets: readonly string[],
  step: OperationContext['step'],
): Promise<{ readonly session: RoleSession } | Failed> {
  const name = `assuming ${request.roleArn}`;
  step(name, 'RUNNING');
  try {
    const session = await assumeRole(call, own, request);
    step(name, 'PASSED', session.arn);
    return { session };
  } catch (error) {
    const failure = explainCall(error, 'role', call.region, secrets);
    step(name, 'FAILED', failure.observation);
    return { error, failure };
  }
}

/** What may be let in where this was not; undefined where there is nothing to leave out. */
function askForLess(request: RoleRequest, error: unknown): RoleRequest | undefined {
  if (isDenied(error) && isTagged(request)) return { ...request, tags: {}, sourceIdentity: '' };
  return isTooLong(error) && request.seconds > ALWAYS_ALLOWED_SECONDS ? limitDuration(request) : undefined;
}

function isTagged({ tags, sourceIdentity }: RoleRequest): boolean {
  return Object.keys(tags).length > 0 || sourceIdentity !== '';
}

function limitDuration(request: RoleRequest): RoleRequest {
  return { ...request, seconds: Math.min(request.seconds, ALWAYS_ALLOWED_SECONDS) };
}

/** A duration above the role's maximum, or above the hour that sessions get which are assumed from a session. */
function isTooLong(error: unknown): boolean {
  const { name, message = '' } = readAwsFailure(error);
  return name === 'ValidationError' && /DurationSeconds exceeds/.test(message);
}

function failureOf({ error, failure }: Failed): OperationFailed {
  const { verdict, observation, causes } = failure;
  if (/^(PackedPolicyTooLarge|MalformedPolicyDocument)(Exception)?$/.test(readAwsFailure(error).name))
    return new OperationFailed('INVALID', 'SESSION_POLICY_REFUSED', observation, {
      hint: 'correct the session policy, or make it shorter: AWS packs it together with the tags of the session',
    });
  const hint = causes[0]?.hint ?? '';
  return verdict === 'refused'
    ? new OperationFailed('AUTHENTICATION', 'AWS_REFUSED', observation, { hint, causes: toCauses(causes) })
    : new OperationFailed('TRANSIENT', 'AWS_UNAVAILABLE', observation, { hint, causes: toCauses(causes) });
}
