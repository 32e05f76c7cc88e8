import type { AwsCapability } from '../capability.ts';
import { type PolicyDocument, policyDocument } from '../policy-document.ts';
import { CLOUDWATCH_MONITORING } from './cloudwatch-monitoring.ts';
import { ECR_REGISTRY } from './ecr-registry.ts';
import { ECS } from './ecs.ts';
import { EKS } from './eks.ts';
import { KMS_ENCRYPTION } from './kms-encryption.ts';
import { LAMBDA_COMPUTE } from './lambda-compute.ts';
import { RDS_DATABASE } from './rds-database.ts';
import { ROUTE53_DNS } from './route53-dns.ts';
import { S3_STORAGE } from './s3-storage.ts';
import { VPC_NETWORKING } from './vpc-networking.ts';

/** The source of the policies, with pseudo parameters; the template and `capabilityPolicy` are both made from it. */
export const PERMISSIONS: Readonly<Record<AwsCapability, PolicyDocument>> = {
  eks: policyDocument(EKS),
  ecs: policyDocument(ECS),
  vpc_networking: policyDocument(VPC_NETWORKING),
  s3_storage: policyDocument(S3_STORAGE),
  rds_database: policyDocument(RDS_DATABASE),
  lambda_compute: policyDocument(LAMBDA_COMPUTE),
  route53_dns: policyDocument(ROUTE53_DNS),
  cloudwatch_monitoring: policyDocument(CLOUDWATCH_MONITORING),
  ecr_registry: policyDocument(ECR_REGISTRY),
  kms_encryption: policyDocument(KMS_ENCRYPTION),
};
