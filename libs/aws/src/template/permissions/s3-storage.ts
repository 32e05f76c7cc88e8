import type { PolicyStatement } from '../policy-document.ts';
import { ACCOUNT_ID, PARTITION } from '../pseudo-parameters.ts';
import { allow, passRolesTo } from './statement.ts';

/** An ARN in S3 names no account. */
const IN_OWN_ACCOUNT = { StringEquals: { 'aws:ResourceAccount': ACCOUNT_ID } };

/**
 * Buckets, all their settings and policies. Objects can be listed and, so that a bucket can be removed, deleted; no action reads
 * or writes them. Whoever may write the policy of a bucket can open it, so that guards against accidents, not against intent.
 */
export const S3_STORAGE: readonly PolicyStatement[] = [
  allow('CreateBuckets', 's3', ['CreateBucket'], `arn:${PARTITION}:s3:::*`),
  allow(
    'Buckets',
    's3',
    [
      'DeleteBucket',
      'DeleteBucketPolicy',
      'DeleteBucketWebsite',
      'GetBucket*',
      'PutBucket*',
      'ListBucket*',
      ...[
        'Accelerate',
        'Analytics',
        'Encryption',
        'IntelligentTiering',
        'Inventory',
        'Lifecycle',
        'Metrics',
        'Replication',
      ].flatMap((setting) => [`Get${setting}Configuration`, `Put${setting}Configuration`]),
    ],
    `arn:${PARTITION}:s3:::*`,
    IN_OWN_ACCOUNT,
  ),
  allow(
    'EmptyBuckets',
    's3',
    ['DeleteObject', 'DeleteObjectVersion', 'ListMultipartUploadParts', 'AbortMultipartUpload'],
    `arn:${PARTITION}:s3:::*/*`,
    IN_OWN_ACCOUNT,
  ),
  allow('ListBuckets', 's3', ['ListAllMyBuckets', 'GetAccountPublicAccessBlock'], '*'),
  passRolesTo('s3.amazonaws.com'),
];
