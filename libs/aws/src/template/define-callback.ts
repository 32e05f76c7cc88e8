import { CALLBACK_CODE } from './callback-code.ts';
import { AWS_CAPABILITIES } from './capability.ts';
import {
  capabilityCondition,
  capabilityPolicyId,
  NO_VALUE,
  PERMISSIONS_BOUNDARY,
  TAGS,
} from './define-role.ts';
import { policyDocument } from './policy-document.ts';
import { TEMPLATE_VERSION } from './template-version.ts';

const Condition = 'HasCallback';

/** Seconds that the function may take. */
const FUNCTION_TIMEOUT = 60;

/** Seconds after which CloudFormation stops waiting for the function; its own default is an hour. */
const SERVICE_TIMEOUT = 120;

/** The function that tells the platform that the stack is complete, with a role of its own that can write its log alone. */
export function defineCallback() {
  return {
    CallbackLogGroup: {
      Type: 'AWS::Logs::LogGroup',
      Condition,
      DeletionPolicy: 'Delete',
      UpdateReplacePolicy: 'Delete',
      Properties: { RetentionInDays: 14, Tags: TAGS },
    },
    CallbackFunctionRole: {
      Type: 'AWS::IAM::Role',
      Condition,
      Properties: {
        Description: 'Lets the callback function of Planton Connect write its log.',
        AssumeRolePolicyDocument: policyDocument([
          {
            Sid: 'Lambda',
            Effect: 'Allow',
            Principal: { Service: 'lambda.amazonaws.com' },
            Action: 'sts:AssumeRole',
          },
        ]),
        PermissionsBoundary: PERMISSIONS_BOUNDARY,
        Policies: [
          {
            PolicyName: 'write-own-log',
            PolicyDocument: policyDocument<unknown>([
              {
                Sid: 'WriteOwnLog',
                Effect: 'Allow',
                Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
                Resource: { 'Fn::GetAtt': ['CallbackLogGroup', 'Arn'] },
              },
            ]),
          },
        ],
        Tags: TAGS,
      },
    },
    CallbackFunction: {
      Type: 'AWS::Lambda::Function',
      Condition,
      Properties: {
        Description: 'Tells Planton Connect that the stack is complete. Never fails the stack.',
        Runtime: 'nodejs22.x',
        Handler: 'index.handler',
        Timeout: FUNCTION_TIMEOUT,
        MemorySize: 128,
        Role: { 'Fn::GetAtt': ['CallbackFunctionRole', 'Arn'] },
        LoggingConfig: { LogGroup: { Ref: 'CallbackLogGroup' } },
        Tags: TAGS,
        Code: { ZipFile: CALLBACK_CODE },
      },
    },
    Callback: {
      Type: 'Custom::PlantonCallback',
      Condition,
      Properties: {
        ServiceToken: { 'Fn::GetAtt': ['CallbackFunction', 'Arn'] },
        ServiceTimeout: SERVICE_TIMEOUT,
        Url: { Ref: 'CallbackUrl' },
        Body: {
          setupId: { Ref: 'SetupId' },
          token: { Ref: 'CallbackToken' },
          accountId: { Ref: 'AWS::AccountId' },
          roleArn: { 'Fn::GetAtt': ['Role', 'Arn'] },
          stackId: { Ref: 'AWS::StackId' },
          externalId: { Ref: 'ExternalId' },
          templateVersion: TEMPLATE_VERSION,
        },
        // Named here so that it runs after them: DependsOn may not name what a condition leaves out.
        After: AWS_CAPABILITIES.map((name) => ({
          'Fn::If': [capabilityCondition(name), { Ref: capabilityPolicyId(name) }, NO_VALUE],
        })),
      },
    },
  };
}
