/** What stands in the source of a policy until it is known where the policy will be; CloudFormation's own notation. */
export const PARTITION = pseudo('Partition');
export const ACCOUNT_ID = pseudo('AccountId');
export const REGION = pseudo('Region');
export const STACK_NAME = pseudo('StackName');

function pseudo(name: string): string {
  return `\${AWS::${name}}`;
}
