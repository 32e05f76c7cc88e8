import { Role, SubjectKind } from '@planton/api/identity/v1/organization';
import type { RoleName, Subject } from '@planton/rpc';

const roles = {
  owner: Role.OWNER,
  admin: Role.ADMIN,
  developer: Role.DEVELOPER,
  viewer: Role.VIEWER,
  deployer: Role.DEPLOYER,
} as const satisfies Record<RoleName, Role>;

const kinds = {
  user: SubjectKind.USER,
  service_account: SubjectKind.SERVICE_ACCOUNT,
  service: SubjectKind.SERVICE,
} as const satisfies Record<Subject['kind'], SubjectKind>;

const names: ReadonlyMap<Role, RoleName> = new Map(
  Object.entries(roles).map(([name, role]) => [role, name as RoleName]),
);

export function roleOf(name: RoleName): Role {
  return roles[name];
}

/** The name of a role, or nothing for no role and for one that this release does not know. */
export function roleNameOf(role: Role): RoleName | undefined {
  return names.get(role);
}

export function subjectKindOf(kind: Subject['kind']): SubjectKind {
  return kinds[kind];
}
