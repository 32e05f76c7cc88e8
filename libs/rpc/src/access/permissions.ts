import { Permission } from '@planton/api/common/v1/access';

/** A role as tokens and messages name it. */
export type RoleName = 'owner' | 'admin' | 'developer' | 'viewer' | 'deployer';

const everything = Object.values(Permission).filter((permission) => permission !== Permission.UNSPECIFIED);

const viewer = [
  Permission.ORGANIZATION_READ,
  Permission.API_KEY_MANAGE,
  Permission.SECRET_READ,
  Permission.VARIABLE_READ,
  Permission.CONNECTION_READ,
  Permission.CONNECTION_RESOLVE,
  Permission.RUNNER_READ,
];

/**
 * Which role holds which permission: the whole table. An owner differs from an admin in one thing that is no permission of
 * its own: only owners make owners, see `roleIncludes`.
 */
const permissionsOf: Readonly<Record<RoleName, ReadonlySet<Permission>>> = {
  owner: new Set(everything),
  admin: new Set(everything),
  developer: new Set([
    ...viewer,
    Permission.SECRET_WRITE,
    Permission.VARIABLE_WRITE,
    Permission.CONNECTION_WRITE,
    Permission.CONNECTION_VERIFY,
    Permission.REFERENCE_RESOLVE,
    Permission.CREDENTIALS_ISSUE,
    Permission.OPERATION_EXECUTE,
  ]),
  viewer: new Set(viewer),
  deployer: new Set([
    Permission.ORGANIZATION_READ,
    Permission.CONNECTION_READ,
    Permission.CONNECTION_RESOLVE,
    Permission.CONNECTION_VERIFY,
    Permission.REFERENCE_RESOLVE,
    Permission.CREDENTIALS_ISSUE,
    Permission.RUNNER_READ,
  ]),
};

/** Whether the role holds the permission. */
export function roleHolds(role: RoleName, permission: Permission): boolean {
  return permissionsOf[role].has(permission);
}

/** Whether someone with the role `granter` may give the role `granted`: nobody gives more than he has. */
export function roleIncludes(granter: RoleName, granted: RoleName): boolean {
  if (granted === 'owner') return granter === 'owner';
  return permissionsOf[granted].isSubsetOf(permissionsOf[granter]);
}

/** Whether the text names a role. */
export function isRoleName(text: unknown): text is RoleName {
  return typeof text === 'string' && Object.hasOwn(permissionsOf, text);
}
