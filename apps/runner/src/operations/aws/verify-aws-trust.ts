import { randomBytes } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsAccessVerdict,
  AwsAuthenticationSchema,
  OperationKind,
  type VerifyAwsTrustInput,
  type VerifyAwsTrustOutputSchema,
} from '@planton/api/runner/v1/operation';
import { type AwsFailureExplanation, compareAccount, type RoleArn } from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';
import { defineKind, type OperationContext, type TellStep } from '../operation-kind.ts';
import type { AwsKey } from './aws-identity.ts';
import { type AwsCall, assumeRole, type RoleRequest, requestOf } from './call-aws.ts';
import { checkRole } from './check-role.ts';
import { explainCall, isDenied, refuseOnPlatform, toCauses } from './explain-failure.ts';
import { identifyCaller } from './identify-caller.ts';
import { judgeProbes, probeRole } from './probe-role.ts';
import { parseStack, readStack } from './read-stack.ts';
import { valuesOf } from './resolve-key.ts';

type Output = MessageInitShape<typeof VerifyAwsTrustOutputSchema>;

/** Milliseconds for everything, with time to spare of the operation's 30 seconds, and for one request. */
const ALL_MS = 24_000;
const ONE_MS = 7_000;
/** The shortest that STS gives. */
const SESSION_SECONDS = 900;
const DENY_ALL = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
});

/**
 * Finds out whether a role lets the runner in with its external ID, and whether it keeps out whoever does not have it. The probes differ
 * from the right attempt in the external ID alone; no session of a verification may do anything but read the status of the stack that is
 * named, and none leaves it. What AWS refuses is a finding: the operation fails only where it could not be tried.
 */
export const verifyAwsTrust = defineKind({
  kind: OperationKind.VERIFY_AWS_TRUST,
  input: 'verifyAwsTrust',
  repeatable: true,
  run: async (input, context) => {
    const { role, arn } = checkRole(input);
    if (context.platform) refuseOnPlatform(role);
    if (role.externalId === '')
      throw new OperationFailed('INVALID', 'EXTERNAL_ID_MISSING', 'the operation names no external ID');
    const request = { ...requestOf(role), sessionPolicy: DENY_ALL, seconds: SESSION_SECONDS };
    return { output: { case: 'verifyAwsTrust', value: await verify(input, arn, request, context) } };
  },
});

async function verify(
  input: VerifyAwsTrustInput,
  arn: RoleArn,
  tagged: RoleRequest,
  { aws, signal, step }: OperationContext,
): Promise<Output> {
  const { region, accountId, probe } = input;
  const within = AbortSignal.any([signal, AbortSignal.timeout(ALL_MS)]);
  const call: AwsCall = { aws, region, signal: within, limitMs: ONE_MS };
  const plain: RoleRequest = { ...tagged, tags: {}, sourceIdentity: '' };

  const found = await identifyCaller(call, authenticationOf(plain), step);
  if ('failure' in found) return notLetIn(found.failure);
  const { caller, own } = found;
  const seen = { accountId: caller.accountId, arn: caller.arn };
  const wrong = compareAccount(accountId, caller.accountId);
  const observation = `AWS answered for account ${caller.accountId} as ${caller.arn}`;
  step('comparing the account', wrong ? 'FAILED' : 'PASSED', `AWS answered for account ${caller.accountId}`);
  if (wrong) return { ...seen, verdict: AwsAccessVerdict.REFUSED, observation, causes: toCauses([wrong]) };
  if (!own) throw new TypeError('a role was assumed without a key');

  const probes = probe ? await probeRole(call, own, plain, randomBytes, step) : [];
  const after = probe ? await assumeAgain(call, own, plain, step) : undefined;
  const known = { ...seen, probes: [...probes], externalId: judgeProbes(probes, after === undefined) };
  // Let in before and denied after: whatever was observed between the two proves nothing.
  if (after?.verdict === 'refused') {
    const { verdict, ...rest } = notLetIn(after);
    return { ...known, ...rest, verdict: AwsAccessVerdict.INCONCLUSIVE };
  }
  const [takesSessionTags, stack] = await Promise.all([
    tryTags(call, own, tagged, step),
    findStack(call, own, plain, input.stack, arn, step),
  ]);
  return { ...known, ...stack, verdict: AwsAccessVerdict.VERIFIED, observation, takesSessionTags };
}

function authenticationOf({ seconds, tags, ...role }: RoleRequest) {
  return create(AwsAuthenticationSchema, {
    method: { case: 'role', value: { ...role, duration: { seconds: BigInt(seconds) }, tags: { ...tags } } },
  });
}

function notLetIn({ verdict, observation, causes }: AwsFailureExplanation): Output {
  return {
    verdict: verdict === 'refused' ? AwsAccessVerdict.REFUSED : AwsAccessVerdict.INCONCLUSIVE,
    observation,
    causes: toCauses(causes),
  };
}

/** The right external ID once more, after the wrong ones. Undefined where it was let in. */
async function assumeAgain(
  call: AwsCall,
  own: AwsKey,
  request: RoleRequest,
  step: TellStep,
): Promise<AwsFailureExplanation | undefined> {
  const name = 'trying the role with its external ID again';
  step(name, 'RUNNING');
  try {
    await assumeRole(call, own, request);
    step(name, 'PASSED');
    return undefined;
  } catch (error) {
    const failure = explainCall(error, 'role', call.region, [...valuesOf(own), request.externalId]);
    step(name, 'FAILED', failure.observation);
    return failure;
  }
}

/** Whether the role takes the tags and the source identity; false where there are none to try. */
async function tryTags(call: AwsCall, own: AwsKey, request: RoleRequest, step: TellStep): Promise<boolean> {
  if (Object.keys(request.tags).length === 0 && request.sourceIdentity === '') return false;
  const name = 'trying session tags and a source identity';
  step(name, 'RUNNING');
  try {
    await assumeRole(call, own, request);
    step(name, 'PASSED');
    return true;
  } catch (error) {
    // A role that takes none works all the same.
    if (isDenied(error)) step(name, 'PASSED', 'the role takes none, so its sessions go without them');
    else {
      const secrets = [...valuesOf(own), request.externalId];
      step(name, 'FAILED', explainCall(error, 'role', call.region, secrets).observation);
    }
    return false;
  }
}

async function findStack(
  call: AwsCall,
  own: AwsKey,
  request: RoleRequest,
  text: string,
  arn: RoleArn,
  step: TellStep,
): Promise<Pick<Output, 'stack' | 'stackObservation'>> {
  if (text === '') return {};
  const name = parseStack(text, arn, call.region);
  if (!name) return { stackObservation: 'stack: is no stack of this account and region' };
  const found = await readStack(call, own, request, name, step);
  return 'stack' in found ? { stack: found.stack } : { stackObservation: found.observation };
}
