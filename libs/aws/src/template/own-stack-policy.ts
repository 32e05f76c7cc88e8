import type { PartitionId } from '../partitions/partition.ts';
import { type PolicyDocument, policyDocument } from './policy-document.ts';
import { ACCOUNT_ID, PARTITION, REGION, STACK_NAME } from './pseudo-parameters.ts';
import { substitute } from './resolve-pseudo-parameters.ts';

/**
 * Leave for the role to look at the stack that made it. The stack is named by its name: asked by name, CloudFormation
 * authorises `stack/NAME/*`, which no policy on the whole id would match.
 */
export const OWN_STACK: PolicyDocument = policyDocument([
  {
    Sid: 'DescribeOwnStack',
    Effect: 'Allow',
    Action: 'cloudformation:DescribeStacks',
    Resource: `arn:${PARTITION}:cloudformation:${REGION}:${ACCOUNT_ID}:stack/${STACK_NAME}/*`,
  },
]);

/** The policy of the template that lets the role describe its own stack. */
export function ownStackPolicy(stack: {
  readonly partition: PartitionId;
  readonly accountId: string;
  readonly region: string;
  readonly stackName: string;
}): PolicyDocument {
  return substitute(OWN_STACK, stack);
}
