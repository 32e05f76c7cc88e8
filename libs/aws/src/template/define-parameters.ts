import { AWS_CAPABILITIES, type AwsCapability, capabilityParameter } from './capability.ts';

const NAME = '[A-Za-z0-9_+=,.@-]';
const PARTITION = 'arn:aws(-us-gov|-cn)?';

const CAPABILITY_DESCRIPTIONS: Readonly<Record<AwsCapability, string>> = {
  eks: 'EKS: clusters, node groups, add-ons, access entries.',
  ecs: 'ECS: clusters, services, tasks, scaling, and load balancers in front of them.',
  vpc_networking: 'VPC: networks, subnets, routes, gateways, security groups, endpoints, peerings.',
  s3_storage:
    'S3: buckets, their settings and policies. Objects can be listed and deleted; no action reads or writes them.',
  rds_database: 'RDS: databases, clusters, parameter groups, snapshots.',
  lambda_compute: 'Lambda: functions, versions, layers, triggers. No action invokes them.',
  route53_dns: 'Route 53: hosted zones, records, health checks.',
  cloudwatch_monitoring: 'CloudWatch: metrics, alarms, dashboards, log groups and what is in them.',
  ecr_registry: 'ECR: repositories of container images, and what is in them.',
  kms_encryption: 'KMS: keys, aliases, key policies. No action encrypts or decrypts.',
};

/** None has `NoEcho`: the console ignores such parameters in quick-create links. */
export function defineParameters() {
  return {
    PlatformPrincipalArn: {
      Type: 'String',
      Description:
        'ARN of the IAM role or user of Planton Connect that may assume the role, and nobody else.',
      MinLength: 30,
      MaxLength: 640,
      AllowedPattern: `^${PARTITION}:iam::[0-9]{12}:(role|user)/(${NAME}+/)*${NAME}{1,64}$`,
      ConstraintDescription:
        'must be the ARN of an IAM role or user, such as arn:aws:iam::123456789012:role/NAME',
    },
    ExternalId: {
      Type: 'String',
      Description: 'External ID of this connection. The role can be assumed with it alone. Do not change it.',
      MinLength: 64,
      MaxLength: 64,
      AllowedPattern: '^[0-9a-f]{64}$',
      ConstraintDescription:
        'must be the 64 hexadecimal digits that Planton Connect gave for this connection',
    },
    RoleName: {
      Type: 'String',
      Description: 'Name of the role. A role of this name must not exist yet.',
      MinLength: 1,
      MaxLength: 64,
      AllowedPattern: `^${NAME}+$`,
      ConstraintDescription: 'must be 1 to 64 letters, digits and _+=,.@-',
    },
    PermissionsBoundaryArn: {
      Type: 'String',
      Description: 'ARN of the managed policy that bounds every role of this stack. Leave empty for none.',
      Default: '',
      MaxLength: 700,
      AllowedPattern: `^(${PARTITION}:iam::([0-9]{12}|aws):policy/(${NAME}+/)*${NAME}{1,128})?$`,
      ConstraintDescription: 'must be empty or the ARN of a managed policy',
    },
    MaxSessionDuration: {
      Type: 'Number',
      Description: 'Longest life of a session of the role, in seconds.',
      Default: 3600,
      MinValue: 3600,
      MaxValue: 43200,
      ConstraintDescription: 'must be 3600 (an hour) to 43200 (twelve hours)',
    },
    ...Object.fromEntries(AWS_CAPABILITIES.map((name) => [capabilityParameter(name), defineSwitch(name)])),
    CallbackUrl: {
      Type: 'String',
      Description:
        'Where a Lambda function reports that the stack is complete. Leave empty for a stack without the function.',
      Default: '',
      MaxLength: 1024,
      AllowedPattern: '^(https?://[!-~]+)?$',
      ConstraintDescription: 'must be empty or an http(s) URL',
    },
    SetupId: {
      Type: 'String',
      Description: 'Which set-up of Planton Connect this stack belongs to.',
      Default: '',
      MaxLength: 64,
      AllowedPattern: '^[A-Za-z0-9_-]*$',
      ConstraintDescription: 'must be empty or letters, digits, hyphens and underscores',
    },
    CallbackToken: {
      Type: 'String',
      Description:
        'By what the report is recognised. It is good for this set-up alone, and only while it is open.',
      Default: '',
      MaxLength: 128,
      AllowedPattern: '^[A-Za-z0-9_-]*$',
      ConstraintDescription: 'must be empty or base64url',
    },
  };
}

function defineSwitch(name: AwsCapability) {
  return {
    Type: 'String',
    Description: CAPABILITY_DESCRIPTIONS[name],
    Default: 'false',
    AllowedValues: ['true', 'false'],
  };
}

/** How the console groups and labels the parameters for the person who reviews them. */
export function defineInterface() {
  return {
    ParameterGroups: [
      group('Who may assume the role', ['PlatformPrincipalArn', 'ExternalId']),
      group('The role', ['RoleName', 'PermissionsBoundaryArn', 'MaxSessionDuration']),
      group('What the role may manage', AWS_CAPABILITIES.map(capabilityParameter)),
      group('Reporting to Planton Connect', ['CallbackUrl', 'SetupId', 'CallbackToken']),
    ],
    ParameterLabels: {
      PlatformPrincipalArn: label('Trusted principal'),
      ExternalId: label('External ID'),
      RoleName: label('Role name'),
      PermissionsBoundaryArn: label('Permissions boundary'),
      MaxSessionDuration: label('Longest session (seconds)'),
      EnableEks: label('EKS clusters'),
      EnableEcs: label('ECS services'),
      EnableVpcNetworking: label('VPC networking'),
      EnableS3Storage: label('S3 storage'),
      EnableRdsDatabase: label('RDS databases'),
      EnableLambdaCompute: label('Lambda functions'),
      EnableRoute53Dns: label('Route 53 DNS'),
      EnableCloudWatchMonitoring: label('CloudWatch monitoring'),
      EnableEcrRegistry: label('ECR registry'),
      EnableKmsEncryption: label('KMS encryption'),
      CallbackUrl: label('Callback URL'),
      SetupId: label('Set-up'),
      CallbackToken: label('Callback token'),
    },
  };
}

function group(text: string, parameters: readonly string[]) {
  return { Label: { default: text }, Parameters: parameters };
}

function label(text: string) {
  return { default: text };
}
