import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type AwsRole,
  type IssueAwsCredentialsInput,
  IssuedAwsCredentialsSchema,
  OperationKind,
} from '@planton/api/runner/v1/operation';
import { type AwsFailureExplanation, parseRoleArn } from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';
import { defineKind, type OperationContext } from '../operation-kind.ts';
import { assumeRole, type RoleSession } from './call-aws.ts';
import { explainCall, isKeySuspect, refuseOnPlatform, toCauses } from './explain-failure.ts';
import { valuesOf } from './resolve-key.ts';
import { openSealer } from './seal-output.ts';

/** Assumes a role with the runner's own identity and returns the credentials, sealed to whoever asked. */
export const issueAwsCredentials = defineKind({
  kind: OperationKind.ISSUE_AWS_CREDENTIALS,
  input: 'issueAwsCredentials',
  repeatable: true,
  run: async (input, context) => {
    const role = checkRole(input);
    if (context.platform) refuseOnPlatform(role);
    const sealer = await openSealer(context.resultPublicKey);
    const { key, arn, expireTime } = await assume(input, role, context);
    const issued = create(IssuedAwsCredentialsSchema, { ...key, expireTime: timestampFromDate(expireTime) });
    return {
      output: { case: 'issueAwsCredentials', value: { arn, expireTime: timestampFromDate(expireTime) } },
      sealedOutput: await sealer.seal(toBinary(IssuedAwsCredentialsSchema, issued), context.attempt),
    };
  },
});

function checkRole({ role, accountId }: IssueAwsCredentialsInput): AwsRole {
  if (!role) throw new OperationFailed('INVALID', 'ROLE_MISSING', 'the operation names no role');
  const arn = parseRoleArn(role.roleArn);
  if (!arn.ok) throw new OperationFailed('INVALID', 'ROLE_ARN_INVALID', `role_arn ${arn.message}`);
  if (arn.value.accountId !== accountId)
    throw new OperationFailed(
      'INVALID',
      'ROLE_OF_ANOTHER_ACCOUNT',
      `the role belongs to account ${arn.value.accountId}, not to ${accountId}`,
    );
  return role;
}

async function assume(
  input: IssueAwsCredentialsInput,
  role: AwsRole,
  context: OperationContext,
): Promise<RoleSession> {
  let found = await tryOnce(input, role, context);
  // What the SDK keeps may have been replaced since, such as a key in a file.
  if ('failure' in found && isKeySuspect(found.failure) && context.aws.lookAgain())
    found = await tryOnce(input, role, context);
  if ('session' in found) return found.session;
  const { verdict, observation, causes } = found.failure;
  throw new OperationFailed(
    verdict === 'refused' ? 'AUTHENTICATION' : 'TRANSIENT',
    verdict === 'refused' ? 'AWS_REFUSED' : 'AWS_UNAVAILABLE',
    observation,
    { hint: causes[0]?.hint ?? '', causes: toCauses(causes) },
  );
}

async function tryOnce(
  { region }: IssueAwsCredentialsInput,
  role: AwsRole,
  { aws, signal, step }: OperationContext,
): Promise<{ readonly session: RoleSession } | { readonly failure: AwsFailureExplanation }> {
  const name = `assuming ${role.roleArn}`;
  const secrets = [role.externalId];
  step(name, 'RUNNING');
  try {
    const own = await aws.ownKey();
    secrets.push(...valuesOf(own));
    const session = await assumeRole({ aws, region, signal }, own, role);
    step(name, 'PASSED', session.arn);
    return { session };
  } catch (error) {
    const failure = explainCall(error, 'role', region, secrets);
    step(name, 'FAILED', failure.observation);
    return { failure };
  }
}
