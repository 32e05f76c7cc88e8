import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Permission, PermissionSchema } from '@planton/api/common/v1/access';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { describe, expect, test } from 'vitest';
import { accessRuleOf, assertAccessRules } from './access-rule.ts';
import { isRoleName, type RoleName, roleHolds, roleIncludes } from './permissions.ts';

const roles: readonly RoleName[] = ['owner', 'admin', 'developer', 'viewer', 'deployer'];

describe('the table of roles', () => {
  test.each([
    ['owner', Permission.SECRET_ACCESS, true],
    ['admin', Permission.SECRET_ACCESS, true],
    ['developer', Permission.SECRET_ACCESS, false],
    ['developer', Permission.SECRET_USE, false],
    ['developer', Permission.SECRET_WRITE, true],
    ['developer', Permission.AUTHORIZATION_WRITE, false],
    ['viewer', Permission.SECRET_READ, true],
    ['viewer', Permission.SECRET_WRITE, false],
    ['viewer', Permission.CREDENTIALS_ISSUE, false],
    ['deployer', Permission.CREDENTIALS_ISSUE, true],
    ['deployer', Permission.SECRET_ACCESS, false],
    ['deployer', Permission.CONNECTION_WRITE, false],
    ['deployer', Permission.API_KEY_MANAGE, false],
    ['owner', Permission.RUNNER_WRITE, true],
    ['admin', Permission.RUNNER_WRITE, true],
    ['developer', Permission.RUNNER_WRITE, false],
    ['developer', Permission.RUNNER_READ, true],
    ['developer', Permission.OPERATION_EXECUTE, true],
    ['developer', Permission.CONNECTION_VERIFY, true],
    ['viewer', Permission.RUNNER_READ, true],
    ['viewer', Permission.RUNNER_WRITE, false],
    ['viewer', Permission.OPERATION_EXECUTE, false],
    ['viewer', Permission.CONNECTION_VERIFY, false],
    ['deployer', Permission.RUNNER_READ, true],
    ['deployer', Permission.CONNECTION_VERIFY, true],
    ['deployer', Permission.OPERATION_EXECUTE, false],
    ['deployer', Permission.RUNNER_WRITE, false],
  ] as const)('%s, permission %i: %s', (role, permission, holds) => {
    expect(roleHolds(role, permission)).toBe(holds);
  });

  test('docs/security.md shows it as it is', () => {
    const text = readFileSync(join(import.meta.dirname, '../../../../docs/security.md'), 'utf8');
    const shown = text.split('\n').filter((line) => /^\| `[a-z_]+` \|/.test(line));
    const row = (permission: Permission) => {
      const name = PermissionSchema.value[permission]?.localName.toLowerCase();
      return `| \`${name}\` | ${roles.map((role) => (roleHolds(role, permission) ? 'yes' : '')).join(' | ')} |`;
    };
    const permissions = PermissionSchema.values.map(({ number }) => number as Permission);
    expect(shown).toEqual(permissions.filter((each) => each !== Permission.UNSPECIFIED).map(row));
  });

  test('nobody holds what is unspecified', () => {
    expect(roles.filter((role) => roleHolds(role, Permission.UNSPECIFIED))).toEqual([]);
  });

  test('nobody gives more than they have, and only owners make owners', () => {
    const given = Object.fromEntries(
      roles.map((granter) => [granter, roles.filter((granted) => roleIncludes(granter, granted))]),
    );
    expect(given).toEqual({
      owner: roles,
      admin: ['admin', 'developer', 'viewer', 'deployer'],
      developer: ['developer', 'viewer', 'deployer'],
      viewer: ['viewer'],
      deployer: ['deployer'],
    });
  });

  test.each(['', 'root', 'constructor', '__proto__', 7, undefined])('%j is no role', (text) => {
    expect(isRoleName(text)).toBe(false);
  });
});

const services = [Identity, ConfigManager, ConnectionService, RunnerService, RunnerGateway];

describe('the contract', () => {
  test('says of every RPC who may call it', () => {
    for (const service of services) assertAccessRules(service);
  });

  test('a service with an RPC that says nothing is refused', () => {
    const { method } = ConfigManager;
    const bare = { ...method.getSecret, proto: { ...method.getSecret.proto, options: undefined } };
    expect(() => accessRuleOf(bare as typeof method.getSecret)).toThrow(
      'ConfigManager/GetSecret does not say who may call it',
    );
  });

  test('shows which answers carry secrets', () => {
    const secretBearing = services.flatMap(({ methods }) =>
      methods.filter((method) => accessRuleOf(method).returnsSecrets).map(({ name }) => name),
    );
    expect(secretBearing).toEqual([
      'CreateInvitation',
      'CreatePasswordLink',
      'CreateApiKey',
      'ExchangeToken',
      'AccessSecret',
      'ResolveReferences',
      'ResolveOwnedReferences',
      'MintOwnedSecret',
      'AccessOwnedSecret',
      'IssueCredentials',
      'InitiateAwsTrustSetup',
      'CreateRunnerToken',
      'RunConnectionOperation',
      'OpenSession',
    ]);
  });
});
