import type { PolicyStatement } from '../policy-document.ts';
import { allow, describeNetworks, ownArn, passRolesTo } from './statement.ts';

/** Functions with their versions, aliases, layers, triggers and addresses. No action invokes them. */
export const LAMBDA_COMPUTE: readonly PolicyStatement[] = [
  allow(
    'Functions',
    'lambda',
    [
      'CreateFunction*',
      'UpdateFunction*',
      'DeleteFunction*',
      'PutFunction*',
      'CreateAlias',
      'UpdateAlias',
      'DeleteAlias',
      'PublishVersion',
      'PublishLayerVersion',
      'DeleteLayerVersion',
      'AddPermission',
      'RemovePermission',
      'PutProvisionedConcurrencyConfig',
      'DeleteProvisionedConcurrencyConfig',
      'PutRuntimeManagementConfig',
      'UpdateEventSourceMapping',
      'DeleteEventSourceMapping',
      'TagResource',
      'UntagResource',
    ],
    ownArn('lambda', '*'),
  ),
  allow('Triggers', 'lambda', ['CreateEventSourceMapping'], '*', {
    ArnLike: { 'lambda:FunctionArn': ownArn('lambda', 'function:*') },
  }),
  allow('ReadFunctions', 'lambda', ['Get*', 'List*'], '*'),
  describeNetworks(),
  passRolesTo('lambda.amazonaws.com'),
];
