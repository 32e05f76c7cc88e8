import { create } from '@bufbuild/protobuf';
import { AwsAuthenticationSchema, OperationKind } from '@planton/api/runner/v1/operation';
import { OperationFailed } from '../operation-failed.ts';
import { defineKind } from '../operation-kind.ts';
import { toCauses } from './explain-failure.ts';
import { identifyCaller } from './identify-caller.ts';

/**
 * Asks AWS who the platform runner is: the identity that the roles of customers trust. That there is none that works is a finding;
 * that AWS does not answer is none, and fails. The runner of an organisation tells the platform nothing of its own.
 */
export const describeAwsIdentity = defineKind({
  kind: OperationKind.DESCRIBE_AWS_IDENTITY,
  input: 'describeAwsIdentity',
  repeatable: true,
  run: async ({ region }, { platform, aws, signal, step }) => {
    if (!platform)
      throw new OperationFailed(
        'REFUSED',
        'PLATFORM_ONLY',
        'only the platform runner says who it is in AWS',
        {
          hint: 'planton connection verify NAME has the runner of a connection say it',
        },
      );
    const own = create(AwsAuthenticationSchema, { method: { case: 'defaultChain', value: {} } });
    const found = await identifyCaller({ aws, region, signal }, own, step);
    if ('failure' in found) {
      const { verdict, observation, causes } = found.failure;
      if (verdict === 'inconclusive')
        throw new OperationFailed('TRANSIENT', 'AWS_UNAVAILABLE', observation, {
          hint: causes[0]?.hint ?? '',
          causes: toCauses(causes),
        });
      return { output: { case: 'describeAwsIdentity', value: { observation, causes: toCauses(causes) } } };
    }
    const { accountId, arn } = found.caller;
    const observation = `AWS answered for account ${accountId} as ${arn}`;
    return { output: { case: 'describeAwsIdentity', value: { accountId, arn, observation } } };
  },
});
