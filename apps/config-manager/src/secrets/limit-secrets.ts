import { quota, type Scope } from '@planton/rpc';
import type { Transaction } from 'kysely';
import { describeLevel, environmentFlag, levelOf } from '../level.ts';
import type { ConfigTables } from '../schema.ts';
import type { StoredSecret } from './secret.ts';
import { countSecretsInTurn, countVersions } from './secret-store.ts';

/**
 * Living secrets of one level, the organisation or an environment. It is not a ceiling of the organisation: what was in environments that
 * are gone would count, and nobody could delete it.
 */
const SECRETS_AT_MOST = 5_000;

/** Versions of one secret whose values are kept. */
const VERSIONS_AT_MOST = 1_000;

/**
 * Refuses the secret that this transaction has made, or brought back, where there are too many with it.
 *
 * @throws `SECRET_LIMIT`
 */
export async function limitSecrets(tx: Transaction<ConfigTables>, scope: Scope): Promise<void> {
  if ((await countSecretsInTurn(tx, levelOf(scope))) <= SECRETS_AT_MOST) return;
  throw quota('SECRET_LIMIT', `${describeLevel(scope)} has ${SECRETS_AT_MOST} secrets, which is the limit`, {
    hint: `planton secret delete SLUG${environmentFlag(scope)}`,
    metadata: { limit: String(SECRETS_AT_MOST) },
  });
}

/**
 * The number of the next version of a locked secret.
 *
 * @throws `SECRET_VERSION_LIMIT`
 */
export async function nextVersion(
  tx: Transaction<ConfigTables>,
  { uid, slug }: StoredSecret,
  scope: Scope,
): Promise<number> {
  const { latest, kept } = await countVersions(tx, uid, VERSIONS_AT_MOST);
  if (kept < VERSIONS_AT_MOST) return latest + 1;
  throw quota(
    'SECRET_VERSION_LIMIT',
    `${VERSIONS_AT_MOST} versions of secret "${slug}" are kept, which is the limit`,
    {
      hint: `planton secret destroy ${slug}${environmentFlag(scope)} --version NUMBER erases one for ever`,
      metadata: { slug, limit: String(VERSIONS_AT_MOST) },
    },
  );
}
