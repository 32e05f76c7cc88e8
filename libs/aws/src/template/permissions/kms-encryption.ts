import type { PolicyStatement } from '../policy-document.ts';
import { allow, ownArn } from './statement.ts';

/**
 * Keys, their aliases and policies, and grants for AWS services alone. No action encrypts or decrypts; but whoever may write the
 * policy of a key can open it.
 */
export const KMS_ENCRYPTION: readonly PolicyStatement[] = [
  allow(
    'Keys',
    'kms',
    [
      'DescribeKey',
      'GetKeyPolicy',
      'GetKeyRotationStatus',
      'ListGrants',
      'ListKeyPolicies',
      'ListResourceTags',
      'PutKeyPolicy',
      'UpdateKeyDescription',
      'EnableKey*',
      'DisableKey*',
      'ScheduleKeyDeletion',
      'CancelKeyDeletion',
      'TagResource',
      'UntagResource',
    ],
    ownArn('kms', 'key/*'),
  ),
  allow(
    'Aliases',
    'kms',
    ['CreateAlias', 'UpdateAlias', 'DeleteAlias'],
    [ownArn('kms', 'alias/*'), ownArn('kms', 'key/*')],
  ),
  allow('Grants', 'kms', ['CreateGrant', 'RevokeGrant'], ownArn('kms', 'key/*'), {
    Bool: { 'kms:GrantIsForAWSResource': 'true' },
  }),
  allow('CreateAndList', 'kms', ['CreateKey', 'ListKeys', 'ListAliases'], '*'),
];
