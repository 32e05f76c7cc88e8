import type { PolicyStatement } from '../policy-document.ts';
import { allow, ownArn } from './statement.ts';

/** Repositories of container images, and pushing and pulling what is in them. */
export const ECR_REGISTRY: readonly PolicyStatement[] = [
  allow(
    'Repositories',
    'ecr',
    [
      'CreateRepository',
      'DeleteRepository',
      'SetRepositoryPolicy',
      'DeleteRepositoryPolicy',
      'PutLifecyclePolicy',
      'DeleteLifecyclePolicy',
      'PutImage*',
      'InitiateLayerUpload',
      'UploadLayerPart',
      'CompleteLayerUpload',
      'BatchCheckLayerAvailability',
      'BatchGetImage',
      'BatchDeleteImage',
      'GetDownloadUrlForLayer',
      'GetRepositoryPolicy',
      'GetLifecyclePolicy*',
      'StartImageScan',
      'DescribeRepositories',
      'DescribeImage*',
      'ListImages',
      'ListTagsForResource',
      'TagResource',
      'UntagResource',
    ],
    ownArn('ecr', 'repository/*'),
  ),
  allow('SignIn', 'ecr', ['GetAuthorizationToken'], '*'),
];
