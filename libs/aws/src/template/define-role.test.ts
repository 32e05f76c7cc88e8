import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PARTITIONS } from '../partitions/partition.ts';
import { AWS_CAPABILITIES, capabilityParameter } from './capability.ts';
import { renderTemplate } from './render-template.ts';
import { evaluateTemplate, readTemplate } from './testing/evaluate-template.ts';
import { CALLBACK, EXTERNAL_ID, PRINCIPAL, REQUIRED } from './testing/parameters.ts';
import { trustPolicy } from './trust-policy.ts';

const template = readTemplate(renderTemplate());
const BOUNDARY = 'arn:aws:iam::210987654321:policy/boundary';

describe('the trust policy', () => {
  test('lets one principal in, with the external ID alone', () => {
    expect(trustPolicy({ principalArn: PRINCIPAL, externalId: EXTERNAL_ID })).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'AssumeWithExternalId',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::123456789012:root' },
          Action: 'sts:AssumeRole',
          Condition: {
            StringEquals: { 'sts:ExternalId': EXTERNAL_ID },
            ArnEquals: { 'aws:PrincipalArn': PRINCIPAL },
          },
        },
        {
          Sid: 'AttributeSessions',
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::123456789012:root' },
          Action: ['sts:TagSession', 'sts:SetSourceIdentity'],
          Condition: { ArnEquals: { 'aws:PrincipalArn': PRINCIPAL } },
        },
      ],
    });
  });

  test('is the same in the template, whoever the principal is', () => {
    const principals = fc.record({
      partition: fc.constantFrom(...PARTITIONS.map(({ id }) => id)),
      account: fc.stringMatching(/^[0-9]{12}$/),
      resource: fc.stringMatching(/^(role|user)\/([a-z+=,.@-]{1,8}\/){0,3}[A-Za-z0-9_+=,.@-]{1,64}$/),
    });
    fc.assert(
      fc.property(principals, ({ partition, account, resource }) => {
        const principalArn = `arn:${partition}:iam::${account}:${resource}`;
        const parameters = { ...REQUIRED, PlatformPrincipalArn: principalArn };
        const { resources } = evaluateTemplate(template, parameters, partition);
        expect(resources.Role?.Properties.AssumeRolePolicyDocument).toEqual(
          trustPolicy({ principalArn, externalId: EXTERNAL_ID }),
        );
      }),
    );
  });
});

describe('the role', () => {
  test('has the name, duration and nothing that was not asked for', () => {
    const { resources } = evaluateTemplate(template, REQUIRED);
    expect(Object.keys(resources)).toEqual(['Role']);
    expect(resources.Role?.Properties).toMatchObject({
      RoleName: REQUIRED.RoleName,
      MaxSessionDuration: 3600,
    });
    expect(resources.Role?.Properties).not.toHaveProperty('PermissionsBoundary');
    expect(resources.Role?.Properties.Tags).toHaveLength(2);
  });

  test('may look at its own stack from the start', () => {
    const { resources } = evaluateTemplate(template, REQUIRED, 'aws-cn');
    expect(resources.Role?.Properties.Policies).toMatchObject([
      {
        PolicyDocument: {
          Statement: [
            {
              Action: 'cloudformation:DescribeStacks',
              Resource: 'arn:aws-cn:cloudformation:cn-north-1:210987654321:stack/stack/*',
            },
          ],
        },
      },
    ]);
  });
});

test('a permissions boundary bounds every role of the stack', () => {
  const parameters = { ...REQUIRED, ...CALLBACK, PermissionsBoundaryArn: BOUNDARY };
  const { resources } = evaluateTemplate(template, parameters);
  const roles = Object.values(resources).filter(({ Type }) => Type === 'AWS::IAM::Role');
  expect(roles).toHaveLength(2);
  for (const { Properties } of roles) expect(Properties.PermissionsBoundary).toBe(BOUNDARY);
});

describe('the callback', () => {
  test('is there only where there is a URL to call', () => {
    const { CallbackUrl, ...rest } = CALLBACK;
    expect(Object.keys(evaluateTemplate(template, { ...REQUIRED, ...rest }).resources)).toEqual(['Role']);
    expect(Object.keys(evaluateTemplate(template, { ...REQUIRED, CallbackUrl }).resources)).toEqual([
      'Role',
      'CallbackLogGroup',
      'CallbackFunctionRole',
      'CallbackFunction',
      'Callback',
    ]);
  });

  test('comes after the role and each policy that there is, and tells what the server asks for', () => {
    const switches = AWS_CAPABILITIES.map((name) => [capabilityParameter(name), 'true']);
    const parameters = { ...REQUIRED, ...CALLBACK, ...Object.fromEntries(switches), EnableEcs: 'false' };
    const { resources } = evaluateTemplate(template, parameters);
    const policies = Object.keys(resources).filter((id) => id.endsWith('Policy'));
    expect(policies).toHaveLength(9);
    expect(resources.Callback?.Properties).toMatchObject({
      ServiceToken: 'att(CallbackFunction.Arn)',
      ServiceTimeout: 120,
      Url: CALLBACK.CallbackUrl,
      Body: {
        setupId: CALLBACK.SetupId,
        token: CALLBACK.CallbackToken,
        accountId: '210987654321',
        roleArn: 'att(Role.Arn)',
        stackId: 'stack-id',
        externalId: EXTERNAL_ID,
      },
      After: policies.map((id) => `ref(${id})`),
    });
  });

  test('has a function that ends before CloudFormation stops waiting, and may write its own log alone', () => {
    const { resources } = evaluateTemplate(template, { ...REQUIRED, ...CALLBACK });
    expect(resources.CallbackFunction?.Properties).toMatchObject({
      Timeout: 60,
      Handler: 'index.handler',
      LoggingConfig: { LogGroup: 'ref(CallbackLogGroup)' },
    });
    expect(resources.CallbackFunctionRole?.Properties.Policies).toMatchObject([
      {
        PolicyDocument: {
          Statement: [
            {
              Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
              Resource: 'att(CallbackLogGroup.Arn)',
            },
          ],
        },
      },
    ]);
    expect(resources.CallbackFunctionRole?.Properties).not.toHaveProperty('ManagedPolicyArns');
  });
});
