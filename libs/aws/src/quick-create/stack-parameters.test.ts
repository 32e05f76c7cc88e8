import { describe, expect, test } from 'vitest';
import { AWS_CAPABILITIES } from '../template/capability.ts';
import { renderTemplate } from '../template/render-template.ts';
import { readTemplate } from '../template/testing/evaluate-template.ts';
import { EXTERNAL_ID, PRINCIPAL } from '../template/testing/parameters.ts';
import { stackParameters } from './stack-parameters.ts';

const MINIMAL = { principalArn: PRINCIPAL, externalId: EXTERNAL_ID, roleName: 'role', capabilities: [] };

test('leaves out what is not given, and switches off what is not listed', () => {
  const parameters = stackParameters({
    ...MINIMAL,
    permissionsBoundaryArn: '',
    capabilities: ['ecs', 'eks'],
  });
  const { PlatformPrincipalArn, ExternalId, RoleName, ...switches } = parameters;
  expect([PlatformPrincipalArn, ExternalId, RoleName]).toEqual([PRINCIPAL, EXTERNAL_ID, 'role']);
  const on = Object.entries(switches).filter(([, value]) => value === 'true');
  expect(Object.keys(switches)).toHaveLength(10);
  expect(on.map(([name]) => name)).toEqual(['EnableEks', 'EnableEcs']);
  expect(Object.values(switches).every((value) => value === 'true' || value === 'false')).toBe(true);
});

describe('with everything', () => {
  const parameters = stackParameters({
    ...MINIMAL,
    permissionsBoundaryArn: 'arn:aws:iam::210987654321:policy/boundary',
    maxSessionDuration: 7200,
    capabilities: AWS_CAPABILITIES,
    callback: { url: 'https://planton.example.com/c', setupId: 'setup', token: 'token' },
  });

  test('names exactly the parameters of the template, in its order', () => {
    expect(Object.keys(parameters)).toEqual(Object.keys(readTemplate(renderTemplate()).Parameters));
  });

  test('is all text', () => {
    expect(parameters).toMatchObject({
      PermissionsBoundaryArn: 'arn:aws:iam::210987654321:policy/boundary',
      MaxSessionDuration: '7200',
      EnableKmsEncryption: 'true',
      CallbackUrl: 'https://planton.example.com/c',
      SetupId: 'setup',
      CallbackToken: 'token',
    });
  });
});
