import { toDomainError } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { forgetOwnedSecret, listUnusedSecrets, markRetired, type OwnedSecret } from './owned-secret-store.ts';

type RetireDeps = Pick<Deps, 'configManager' | 'database' | 'logger'>;

const BATCH = 50;

/**
 * Retires the secrets that the server kept for connections which are gone, or which use them no more. What is in use decides, not what
 * happened: a crash between two steps is made up for by the next run.
 *
 * @param connectionUid of the connection whose secrets are looked at; absent for those of all
 */
export async function retireOwnedSecrets(deps: RetireDeps, connectionUid?: string): Promise<void> {
  for (const secret of await listUnusedSecrets(deps.database.query, BATCH, connectionUid)) {
    try {
      await retire(deps, secret);
    } catch (error) {
      deps.logger.warn(
        { secret: secret.uid, error },
        'a secret of the server was not retired and is tried again',
      );
    }
  }
}

async function retire({ configManager, database }: RetireDeps, secret: OwnedSecret): Promise<void> {
  if (!(await database.transact((tx) => markRetired(tx, secret.uid)))) return;
  try {
    await configManager.retireOwnedSecret({
      organizationUid: secret.organization_uid,
      secretUid: secret.uid,
      ownerUid: secret.connection_uid,
    });
  } catch (thrown) {
    // It was noted and never minted, and whoever noted it has given up long since.
    if (toDomainError(thrown)?.kind !== 'missing') throw thrown;
  }
  await forgetOwnedSecret(database.query, secret.uid);
}
