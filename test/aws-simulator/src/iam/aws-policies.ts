import type { PolicyDocument } from '../policies/identity-policy.ts';

const allow = (...actions: readonly string[]): PolicyDocument => ({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
});

const DOCUMENTS: ReadonlyMap<string, PolicyDocument> = new Map([
  ['AdministratorAccess', allow('*')],
  // AWS lists the actions of every service; here the verbs stand for them.
  ['ReadOnlyAccess', allow('*:Describe*', '*:Get*', '*:List*')],
  [
    'service-role/AWSLambdaBasicExecutionRole',
    allow('logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'),
  ],
]);

/** A managed policy that AWS itself provides, such as `arn:aws:iam::aws:policy/AdministratorAccess`. */
export function findAwsPolicy(arn: string): PolicyDocument | undefined {
  const name = /^arn:aws(?:-cn|-us-gov)?:iam::aws:policy\/(.+)$/.exec(arn)?.[1];
  return name === undefined ? undefined : DOCUMENTS.get(name);
}
