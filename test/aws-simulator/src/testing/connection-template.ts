import type { Account } from '../identities/identity.ts';
import { KEY } from './sign-request.ts';

export const PLATFORM = '123456789012';
export const CUSTOMER = '444455556666';
export const CUSTOMER_KEY = {
  accessKeyId: 'AKIACUSTOMERZEXAMPLE',
  secretAccessKey: 'bbbbrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
export const RUNNER_ROLE = `arn:aws:iam::${PLATFORM}:role/planton/PlatformRunner`;
export const REGION = 'us-west-2';
export const TEMPLATE_URL = 'https://planton.s3.us-west-2.amazonaws.com/connect.yaml';
export const EXTERNAL_ID = 'f'.repeat(64);

/** The customer comes first, so that the console is the customer's. */
export const CONNECTION_ACCOUNTS: readonly Account[] = [
  {
    id: CUSTOMER,
    users: [{ name: 'admin', accessKeys: [CUSTOMER_KEY] }],
    managedPolicies: [
      {
        name: 'Boundary',
        document: {
          Version: '2012-10-17',
          Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' },
        },
      },
    ],
  },
  {
    id: PLATFORM,
    users: [{ name: 'deployer', accessKeys: [KEY] }],
    roles: [
      {
        name: 'PlatformRunner',
        path: '/planton/',
        trustPolicy: {
          Version: '2012-10-17',
          Statement: { Effect: 'Allow', Principal: { AWS: PLATFORM }, Action: 'sts:AssumeRole' },
        },
      },
    ],
  },
];

/** What handlers of custom resources do; a template puts one of them into its function. */
export const HANDLERS = {
  /** Tells the callback, then CloudFormation; its physical id stays. */
  reports: `
const http = require('http');
function send(url, method, body) {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const request = http.request(url, { method, headers: { 'content-type': '', 'content-length': Buffer.byteLength(text) } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode));
    });
    request.on('error', reject);
    request.end(text);
  });
}
exports.handler = async (event, context) => {
  const { RequestType, ResourceProperties: properties } = event;
  let told = 'not told';
  if (RequestType !== 'Delete') {
    try {
      told = 'told ' + await send(properties.Url, 'POST', properties.Body);
    } catch (error) {
      told = error.code;
    }
  }
  console.log(told, Object.keys(process.env).sort().join(' '), context.getRemainingTimeInMillis() > 0);
  await send(event.ResponseURL, 'PUT', {
    Status: 'SUCCESS', PhysicalResourceId: 'callback', StackId: event.StackId, RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId, Data: { Told: told },
  });
};`,
  /** Answers what \`properties.Answer\` says, which may be no answer at all. */
  answers: `
exports.handler = async (event) => {
  const { PhysicalId: id, Answer } = event.ResourceProperties;
  const isDelete = event.RequestType === 'Delete';
  const answer = isDelete && Answer !== 'undeletable' ? 'success' : Answer;
  if (answer === 'nothing') return;
  if (answer === 'forever') await new Promise((resolve) => setTimeout(resolve, 600_000));
  if (answer === 'throws') throw new Error('thrown by the handler');
  const failed = answer === 'failed' || (answer === 'undeletable' && isDelete);
  const body = JSON.stringify({
    Status: failed ? 'FAILED' : 'SUCCESS', Reason: failed ? 'because it was told to' : undefined, PhysicalResourceId: id,
    StackId: answer === 'forged' ? 'another' : event.StackId, RequestId: event.RequestId,
    LogicalResourceId: event.LogicalResourceId, Data: { Told: answer === 'long' ? 'x'.repeat(4096) : event.RequestType },
  });
  const type = answer === 'typed' ? 'application/json' : '';
  const { status } = await fetch(event.ResponseURL, { method: 'PUT', body, headers: { 'content-type': type } });
  console.log('answered', status);
};`,
} as const;

/** A small template of the shape of the platform's: a role, a policy behind a switch, and a function that reports. */
export function connectionTemplate(handler: string = HANDLERS.reports): string {
  return `AWSTemplateFormatVersion: '2010-09-09'
Description: A role that one principal may assume <b>with</b> an external ID.
Metadata:
  AWS::CloudFormation::Interface:
    ParameterGroups:
      - Label: {default: Who may assume the role}
        Parameters: [PlatformPrincipalArn, ExternalId]
      - Label: {default: The role}
        Parameters: [RoleName, PermissionsBoundaryArn, MaxSessionDuration]
    ParameterLabels:
      ExternalId: {default: External ID}
Parameters:
  PlatformPrincipalArn: {Type: String}
  ExternalId:
    Type: String
    AllowedPattern: '[0-9a-f]{64}'
    ConstraintDescription: must be 64 hexadecimal digits
  RoleName: {Type: String, MinLength: 3, MaxLength: 64}
  PermissionsBoundaryArn: {Type: String, Default: ''}
  MaxSessionDuration: {Type: Number, Default: 3600, MinValue: 3600, MaxValue: 43200}
  EnableS3Storage: {Type: String, Default: false, AllowedValues: [true, false]}
  CallbackUrl: {Type: String, Default: ''}
  CallbackToken: {Type: String, Default: ''}
  Answer: {Type: String, Default: success}
  PhysicalId: {Type: String, Default: thing}
  Internal: {Type: String, NoEcho: true, Default: hidden}
Conditions:
  HasBoundary: !Not [!Equals [!Ref PermissionsBoundaryArn, '']]
  HasCallback: !Not [!Equals [!Ref CallbackUrl, '']]
  HasS3: !Equals [!Ref EnableS3Storage, 'true']
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: !Ref RoleName
      MaxSessionDuration: !Ref MaxSessionDuration
      PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Principal:
              AWS: !Sub
                - arn:\${AWS::Partition}:iam::\${Account}:root
                - Account: !Select [4, !Split [':', !Ref PlatformPrincipalArn]]
            Action: sts:AssumeRole
            Condition:
              StringEquals: {'sts:ExternalId': !Ref ExternalId}
              ArnEquals: {'aws:PrincipalArn': !Ref PlatformPrincipalArn}
          - Effect: Allow
            Principal: {AWS: !Join ['', ['arn:', !Ref AWS::Partition, ':iam::${PLATFORM}:root']]}
            Action: [sts:TagSession, sts:SetSourceIdentity]
            Condition:
              ArnEquals: {'aws:PrincipalArn': !Ref PlatformPrincipalArn}
      Policies:
        - PolicyName: own-stack
          PolicyDocument:
            Version: '2012-10-17'
            Statement:
              Effect: Allow
              Action: cloudformation:DescribeStacks
              Resource: !Sub arn:\${AWS::Partition}:cloudformation:\${AWS::Region}:\${AWS::AccountId}:stack/\${AWS::StackName}/*
      Tags: [{Key: stack, Value: !Ref AWS::StackId}]
  S3Policy:
    Type: AWS::IAM::RolePolicy
    Condition: HasS3
    Properties:
      RoleName: !Ref Role
      PolicyName: s3
      PolicyDocument:
        Version: '2012-10-17'
        Statement: {Effect: Allow, Action: ['s3:Get*'], Resource: '*'}
  FunctionRole:
    Type: AWS::IAM::Role
    Condition: HasCallback
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}
      ManagedPolicyArns: [!Sub 'arn:\${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']
  Function:
    Type: AWS::Lambda::Function
    Condition: HasCallback
    Properties:
      Runtime: nodejs22.x
      Handler: index.handler
      Role: !GetAtt FunctionRole.Arn
      Timeout: 60
      Code:
        ZipFile: |
${handler.replace(/^/gm, '          ')}
  Callback:
    Type: Custom::Callback
    Condition: HasCallback
    DependsOn: Role
    Properties:
      ServiceToken: !GetAtt Function.Arn
      ServiceTimeout: 60
      Url: !Ref CallbackUrl
      Answer: !Ref Answer
      PhysicalId: !Ref PhysicalId
      After: [!If [HasS3, !Ref S3Policy, !Ref AWS::NoValue]]
      Body:
        token: !Ref CallbackToken
        roleArn: !GetAtt Role.Arn
        stackId: !Ref AWS::StackId
        number: 3
Outputs:
  RoleArn: {Value: !GetAtt Role.Arn}
  Told: {Condition: HasCallback, Value: !Sub '\${Callback}: \${Callback.Told} \${!literal}'}
`;
}

/** The quick-create link for a connection, with these parameters beside the usual ones. */
export function quickCreateLink(
  parameters: Readonly<Record<string, string>> = {},
  templateUrl = TEMPLATE_URL,
): string {
  const fields = new URLSearchParams({ templateURL: templateUrl, stackName: 'planton-connect-acme' });
  const values = {
    PlatformPrincipalArn: RUNNER_ROLE,
    ExternalId: EXTERNAL_ID,
    RoleName: 'PlantonConnect-acme',
    ...parameters,
  };
  for (const [name, value] of Object.entries(values)) fields.set(`param_${name}`, value);
  return `https://console.aws.amazon.com/cloudformation/home?region=${REGION}#/stacks/quickcreate?${fields}`;
}
