export type { AccountIdReason } from './accounts/check-account-id.ts';
export { checkAccountId } from './accounts/check-account-id.ts';
export type { PrincipalArn, PrincipalArnReason } from './arns/check-principal-arn.ts';
export { checkPrincipalArn } from './arns/check-principal-arn.ts';
export type { Arn, ArnReason } from './arns/parse-arn.ts';
export { formatArn, parseArn } from './arns/parse-arn.ts';
export type { RoleArn, RoleArnReason } from './arns/parse-role-arn.ts';
export { formatRoleArn, parseRoleArn } from './arns/parse-role-arn.ts';
export { samePrincipal } from './arns/same-principal.ts';
export type { Check, Fault, Parsed } from './check.ts';
export type { AccessKeyIdReason, AccessKeyKind } from './credentials/check-access-key-id.ts';
export { checkAccessKeyId } from './credentials/check-access-key-id.ts';
export type { CredentialFault } from './credentials/check-credentials.ts';
export { checkCredentials } from './credentials/check-credentials.ts';
export type { SecretAccessKeyReason } from './credentials/check-secret-access-key.ts';
export { checkSecretAccessKey } from './credentials/check-secret-access-key.ts';
export type { SessionTokenReason } from './credentials/check-session-token.ts';
export { checkSessionToken } from './credentials/check-session-token.ts';
export type { AwsCredentials } from './credentials/credentials.ts';
export type { ContainerCredentialsDocument } from './credentials/format-container-document.ts';
export { containerCredentialsDocument } from './credentials/format-container-document.ts';
export type { CredentialProcessDocument } from './credentials/format-process-document.ts';
export { credentialProcessDocument } from './credentials/format-process-document.ts';
export { compareAccount } from './failures/compare-account.ts';
export { externalIdNotEnforced } from './failures/describe-cause.ts';
export { explainAwsFailure } from './failures/explain-failure.ts';
export type {
  AwsFailure,
  AwsFailureCause,
  AwsFailureCode,
  AwsFailureContext,
  AwsFailureExplanation,
} from './failures/failure.ts';
export { AWS_FAILURE_CODES } from './failures/failure.ts';
export { readAwsFailure } from './failures/read-failure.ts';
export type { RegionReason } from './partitions/check-region.ts';
export { checkRegion } from './partitions/check-region.ts';
export { findRegion, partitionOf } from './partitions/find-region.ts';
export type { Partition, PartitionId, Region } from './partitions/partition.ts';
export { findPartition, PARTITIONS } from './partitions/partition.ts';
export { consoleHost, stsEndpoint, stsHost } from './partitions/resolve-endpoint.ts';
export { suggestRegions } from './partitions/suggest-regions.ts';
export type { SessionPolicyReason } from './policies/check-session-policy.ts';
export { checkSessionPolicy } from './policies/check-session-policy.ts';
export type { StackNameReason } from './quick-create/check-stack-name.ts';
export { checkStackName } from './quick-create/check-stack-name.ts';
export type { TemplateUrl, TemplateUrlReason } from './quick-create/check-template-url.ts';
export { checkTemplateUrl } from './quick-create/check-template-url.ts';
export { deployCommand } from './quick-create/deploy-command.ts';
export type { QuickCreateUrlReason } from './quick-create/parse-quick-create-url.ts';
export { parseQuickCreateUrl } from './quick-create/parse-quick-create-url.ts';
export type { QuickCreate } from './quick-create/quick-create-url.ts';
export { quickCreateUrl } from './quick-create/quick-create-url.ts';
export type { StackParameters } from './quick-create/stack-parameters.ts';
export { stackParameters } from './quick-create/stack-parameters.ts';
export type { SessionRequester } from './sessions/describe-session.ts';
export { requesterTag, sessionName, sourceIdentity, tagValue } from './sessions/describe-session.ts';
export type { AwsCapability } from './template/capability.ts';
export {
  AWS_CAPABILITIES,
  capabilityParameter,
  capabilityPolicyKind,
  capabilityPolicyName,
} from './template/capability.ts';
export { capabilityPolicy } from './template/capability-policy.ts';
export { ownStackPolicy } from './template/own-stack-policy.ts';
export type { PolicyDocument, PolicyStatement } from './template/policy-document.ts';
export { renderTemplate } from './template/render-template.ts';
export { TEMPLATE_VERSION } from './template/template-version.ts';
export { trustPolicy } from './template/trust-policy.ts';
