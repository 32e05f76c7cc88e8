import { defineCallback } from './define-callback.ts';
import { defineInterface, defineParameters } from './define-parameters.ts';
import { defineCapabilityConditions, defineCapabilityPolicies, defineRole } from './define-role.ts';
import { TEMPLATE_VERSION } from './template-version.ts';

/** The template as CloudFormation reads it, in JSON. */
export function buildTemplate() {
  return {
    AWSTemplateFormatVersion: '2010-09-09',
    Description:
      'Planton Connect: an IAM role that the platform may assume with an external ID, limited to the chosen capabilities.',
    Metadata: {
      'Planton::Template': { Version: TEMPLATE_VERSION },
      'AWS::CloudFormation::Interface': defineInterface(),
    },
    Parameters: defineParameters(),
    Conditions: {
      ...defineCapabilityConditions(),
      HasPermissionsBoundary: isGiven('PermissionsBoundaryArn'),
      HasSetupId: isGiven('SetupId'),
      HasCallback: isGiven('CallbackUrl'),
    },
    Resources: { ...defineRole(), ...defineCapabilityPolicies(), ...defineCallback() },
    Outputs: {
      RoleArn: {
        Description: 'ARN of the role that Planton Connect assumes.',
        Value: { 'Fn::GetAtt': ['Role', 'Arn'] },
      },
      ExternalId: { Description: 'External ID that the role asks for.', Value: { Ref: 'ExternalId' } },
      TemplateVersion: { Description: 'Version of the template.', Value: TEMPLATE_VERSION },
    },
  };
}

function isGiven(parameter: string) {
  return { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: parameter }, ''] }] };
}
