import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton, type Planton } from '@planton/client';
import type { RoleName } from '@planton/rpc';
import type { Platform } from '@planton/test-platform';
import type { MatrixCaller } from './expect-admission.ts';

/** Every role, by the name that tokens carry. */
export const roles = {
  owner: Role.OWNER,
  admin: Role.ADMIN,
  developer: Role.DEVELOPER,
  viewer: Role.VIEWER,
  deployer: Role.DEPLOYER,
} as const satisfies Record<RoleName, Role>;

/** The organisations of the matrix; nobody made the last one. */
export const OWN = 'matrix-own';
export const OTHER = 'matrix-other';
export const ABSENT = 'matrix-absent';

/** The environment that limited roles cover, and one that they do not. */
export const COVERED = 'production';
export const NOT_COVERED = 'staging';

/** Makes the organisations, with the environments that limited roles speak of. */
export async function prepareOrganizations(platform: Platform): Promise<Planton> {
  const owner = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  for (const slug of [OWN, OTHER]) {
    await owner.identity.createOrganization({ slug });
    for (const environment of [COVERED, NOT_COVERED])
      await owner.identity.createEnvironment({ org: slug, slug: environment });
  }
  return owner;
}

/**
 * Makes one caller of each kind: members of `OWN` with each role, by API key, and limited to an environment, by access token; the owner of `OTHER`; and those whom nobody knows.
 */
export async function prepareCallers(owner: Planton): Promise<readonly MatrixCaller[]> {
  const callers: MatrixCaller[] = [];
  const addMember = async (org: string, role: RoleName, environments: readonly string[]) => {
    const title = `${role} of ${org}${environments.length > 0 ? ', limited' : ''}`;
    const name = `${role}${environments.length > 0 ? '-limited' : ''}`;
    const { key } = await owner.identity.createApiKey({
      org,
      name,
      role: roles[role],
      environments: [...environments],
    });
    const { accessToken } = await owner.identity.exchangeToken({ apiKey: key, org });
    const credential = environments.length > 0 ? accessToken : key;
    callers.push({ title, authorization: `Bearer ${credential}`, membership: { org, role } });
    return accessToken;
  };
  for (const role of Object.keys(roles) as RoleName[]) {
    await addMember(OWN, role, []);
    if (role !== 'owner') await addMember(OWN, role, [COVERED]);
  }
  const foreign = await addMember(OTHER, 'owner', []);

  const [header = '', payload = '', signature = ''] = foreign.split('.');
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url');
  const invalid = { refused: 'TOKEN_INVALID' } as const;
  callers.push(
    { title: 'nobody', authorization: undefined, refused: 'NO_TOKEN' },
    { title: 'another scheme', authorization: 'Basic b3duZXI6b3duZXI=', refused: 'NO_TOKEN' },
    { title: 'a made-up key', authorization: `Bearer planton_${'A'.repeat(43)}`, refused: 'API_KEY_INVALID' },
    {
      title: 'a token with another signature',
      authorization: `Bearer ${header}.${payload}.${signature.split('').reverse().join('')}`,
      ...invalid,
    },
    { title: 'a token that names no algorithm', authorization: `Bearer ${none}.${payload}.`, ...invalid },
  );
  return callers;
}
