import { describe, expect, test } from 'vitest';
import { AWS_CAPABILITIES, capabilityParameter } from './capability.ts';
import { renderTemplate } from './render-template.ts';
import { readTemplate } from './testing/evaluate-template.ts';
import { CALLBACK, REQUIRED } from './testing/parameters.ts';

const { Parameters: parameters, Metadata: metadata } = readTemplate(renderTemplate());
const BOUNDARY = 'arn:aws:iam::123456789012:policy/bounds/developer';

function takes(name: string, value: string): boolean {
  const parameter = parameters[name];
  if (parameter?.AllowedPattern === undefined) throw new Error(`${name} has no pattern`);
  const { AllowedPattern, MaxLength = 4096 } = parameter;
  return value.length <= MaxLength && new RegExp(`^(?:${AllowedPattern})$`).test(value);
}

test('those without a default are what identifies the connection', () => {
  const needed = Object.entries(parameters).filter(([, { Default }]) => Default === undefined);
  expect(needed.map(([name]) => name)).toEqual(['PlatformPrincipalArn', 'ExternalId', 'RoleName']);
});

test('there is one switch for each capability, off unless it is asked for', () => {
  const switches = Object.entries(parameters).filter(([, { AllowedValues }]) => AllowedValues);
  expect(switches.map(([name]) => name)).toEqual(AWS_CAPABILITIES.map(capabilityParameter));
  for (const [, each] of switches) {
    expect(each).toMatchObject({ Default: 'false', AllowedValues: ['true', 'false'] });
  }
});

test('each is described, limited and says what is wrong', () => {
  for (const [name, each] of Object.entries(parameters)) {
    expect(each.Description, name).toMatch(/\.$/);
    expect('AllowedPattern' in each || 'AllowedValues' in each || 'MaxValue' in each, name).toBe(true);
    if (each.AllowedPattern !== undefined) {
      expect(each.ConstraintDescription, name).toMatch(/^must be /);
      expect(each.MaxLength, name).toBeGreaterThan(0);
      if (each.Default !== undefined) expect(takes(name, String(each.Default)), name).toBe(true);
    }
  }
});

test('the console shows each once, in a group and with a label', () => {
  const shown = metadata['AWS::CloudFormation::Interface'] as {
    ParameterGroups: { Label: { default: string }; Parameters: string[] }[];
    ParameterLabels: Record<string, { default: string }>;
  };
  const grouped = shown.ParameterGroups.flatMap((group) => group.Parameters);
  expect(grouped.toSorted()).toEqual(Object.keys(parameters).toSorted());
  expect(Object.keys(shown.ParameterLabels).toSorted()).toEqual(Object.keys(parameters).toSorted());
});

describe('a value', () => {
  test.each([
    ...Object.entries({ ...REQUIRED, ...CALLBACK, PermissionsBoundaryArn: BOUNDARY }),
    ['PlatformPrincipalArn', 'arn:aws-us-gov:iam::123456789012:user/ann'],
    ['PlatformPrincipalArn', 'arn:aws-cn:iam::123456789012:role/a/b/c+=,.@-_'],
    ['PermissionsBoundaryArn', 'arn:aws:iam::aws:policy/PowerUserAccess'],
    ['CallbackUrl', 'http://127.0.0.1:8080/callbacks/aws/cloudformation'],
  ])('%s takes %s', (name, value) => {
    expect(takes(name, value)).toBe(true);
  });

  test.each([
    ['PlatformPrincipalArn', ''],
    ['PlatformPrincipalArn', '*'],
    ['PlatformPrincipalArn', 'arn:aws:iam::123456789012:root'],
    ['PlatformPrincipalArn', 'arn:aws:iam::123456789012:role/*'],
    ['PlatformPrincipalArn', 'arn:aws:iam::123456789012:role/a?'],
    ['PlatformPrincipalArn', 'arn:aws:iam::123456789012:role/*/runner'],
    ['PlatformPrincipalArn', 'arn:aws:iam::123456789012:role/$' + '{aws:username}'],
    ['PlatformPrincipalArn', 'arn:aws:iam::123456789012:role/'],
    ['PlatformPrincipalArn', `arn:aws:iam::123456789012:role/${'n'.repeat(65)}`],
    ['PlatformPrincipalArn', 'arn:aws:iam::*:role/runner'],
    ['PlatformPrincipalArn', 'arn:aws-iso:iam::123456789012:role/runner'],
    ['PlatformPrincipalArn', 'arn:aws:sts::123456789012:assumed-role/runner/session'],
    ['PlatformPrincipalArn', `${REQUIRED.PlatformPrincipalArn}\n`],
    ['ExternalId', REQUIRED.ExternalId.toUpperCase()],
    ['ExternalId', REQUIRED.ExternalId.slice(1)],
    ['ExternalId', `${REQUIRED.ExternalId}0`],
    ['RoleName', ''],
    ['RoleName', 'path/name'],
    ['RoleName', 'n'.repeat(65)],
    ['PermissionsBoundaryArn', 'arn:aws:iam::123456789012:role/a'],
    ['PermissionsBoundaryArn', 'AdministratorAccess'],
    ['CallbackUrl', 'ftp://planton.example.com/'],
    ['CallbackUrl', 'https://'],
    ['CallbackUrl', 'https://planton.example.com/ a'],
    ['SetupId', 'a b'],
    ['CallbackToken', 'a+b/c='],
  ])('%s refuses %j', (name, value) => {
    expect(takes(name, value)).toBe(false);
  });
});
