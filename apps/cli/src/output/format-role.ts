import { Role } from '@planton/api/identity/v1/organization';

const roles = new Map(
  Object.entries(Role).flatMap(([name, role]) =>
    typeof role === 'number' && role !== Role.UNSPECIFIED
      ? [[name.toLowerCase(), role as Role] as const]
      : [],
  ),
);

/** Names of the roles, as commands take them. */
export const roleNames: readonly string[] = [...roles.keys()];

/** The role of that name. */
export function roleOf(name: string): Role {
  return roles.get(name) ?? Role.UNSPECIFIED;
}

/** The name of a role, empty for none. */
export function formatRole(role: Role): string {
  return [...roles].find(([, value]) => value === role)?.[0] ?? '';
}
