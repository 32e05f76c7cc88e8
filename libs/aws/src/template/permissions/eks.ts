import type { PolicyStatement } from '../policy-document.ts';
import { ACCOUNT_ID, PARTITION } from '../pseudo-parameters.ts';
import { allow, createServiceLinkedRolesOf, describeNetworks, ownArn, passRolesTo } from './statement.ts';

const LAUNCH_TEMPLATES = ownArn('ec2', 'launch-template/*');

/**
 * Kubernetes clusters with their nodes, add-ons, access entries and identity provider. A node group with a launch template of its
 * own needs leave to run instances from it; no role can be handed to EC2, so such instances get none but from EKS itself.
 */
export const EKS: readonly PolicyStatement[] = [
  allow(
    'Clusters',
    'eks',
    [
      'CreateNodegroup',
      'CreateFargateProfile',
      'CreateAddon',
      'CreateAccessEntry',
      'CreatePodIdentityAssociation',
      'DeleteCluster',
      'DeleteNodegroup',
      'DeleteFargateProfile',
      'DeleteAddon',
      'DeleteAccessEntry',
      'DeletePodIdentityAssociation',
      'UpdateClusterConfig',
      'UpdateClusterVersion',
      'UpdateNodegroup*',
      'UpdateAddon',
      'UpdateAccessEntry',
      'UpdatePodIdentityAssociation',
      'AssociateAccessPolicy',
      'DisassociateAccessPolicy',
      'AssociateEncryptionConfig',
      'AssociateIdentityProviderConfig',
      'DisassociateIdentityProviderConfig',
      'AccessKubernetesApi',
      'TagResource',
      'UntagResource',
    ],
    ownArn('eks', '*'),
  ),
  allow('CreateAndRead', 'eks', ['CreateCluster', 'Describe*', 'List*'], '*'),
  describeNetworks('DescribeLaunchTemplate*', 'DescribeInstanceTypes'),
  allow(
    'LaunchTemplates',
    'ec2',
    [
      'CreateLaunchTemplate',
      'CreateLaunchTemplateVersion',
      'ModifyLaunchTemplate',
      'DeleteLaunchTemplate',
      'DeleteLaunchTemplateVersions',
    ],
    LAUNCH_TEMPLATES,
  ),
  allow('RunFromTemplates', 'ec2', ['RunInstances'], '*', {
    ArnLike: { 'ec2:LaunchTemplate': LAUNCH_TEMPLATES },
  }),
  allow('TagOnCreation', 'ec2', ['CreateTags'], ownArn('ec2', '*'), {
    StringEquals: { 'ec2:CreateAction': ['CreateLaunchTemplate', 'RunInstances'] },
  }),
  allow(
    'ImageVersions',
    'ssm',
    ['GetParameter', 'GetParameters'],
    `arn:${PARTITION}:ssm:*::parameter/aws/service/*`,
  ),
  allow(
    'IdentityProviders',
    'iam',
    [
      'CreateOpenIDConnectProvider',
      'DeleteOpenIDConnectProvider',
      'GetOpenIDConnectProvider',
      'TagOpenIDConnectProvider',
      'UntagOpenIDConnectProvider',
    ],
    `arn:${PARTITION}:iam::${ACCOUNT_ID}:oidc-provider/oidc.eks.*`,
  ),
  allow(
    'ReadRoles',
    'iam',
    ['GetRole', 'ListAttachedRolePolicies'],
    `arn:${PARTITION}:iam::${ACCOUNT_ID}:role/*`,
  ),
  passRolesTo('eks.amazonaws.com', 'eks-fargate-pods.amazonaws.com', 'pods.eks.amazonaws.com'),
  createServiceLinkedRolesOf('eks.amazonaws.com', 'eks-nodegroup.amazonaws.com', 'eks-fargate.amazonaws.com'),
];
