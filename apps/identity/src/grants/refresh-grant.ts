import { hashKey } from '../api-keys/mint-key.ts';
import type { Site } from '../sign-in/site.ts';
import { closeGrant } from './close-grant.ts';
import { insertPair, lockRefresh, spendRefresh } from './grant-store.ts';
import { isSessionRefresh } from './mint-session.ts';
import { hashPair, type MintedPair, mintPair } from './open-grant.ts';

/**
 * Exchanges a refresh credential for the next pair, once: one that comes again was copied, and ends the grant, since nobody can tell the
 * copy from the original.
 *
 * @returns nothing for every reason alike
 */
export async function refreshGrant(
  site: Site,
  refresh: string,
  peerAddress: string,
): Promise<MintedPair | undefined> {
  if (!isSessionRefresh(refresh)) return undefined;
  const hash = hashKey(refresh);
  const pair = mintPair(site.randomBytes);
  const requestId = site.newUid();
  return await site.database.transact(async (tx) => {
    const grant = await lockRefresh(tx, hash);
    if (!grant) return undefined;
    if (grant.spent) {
      await closeGrant(tx, { requestId, peerAddress }, grant, 'refresh_replayed');
      return undefined;
    }
    if (!grant.living) return undefined;
    await spendRefresh(tx, hash);
    await insertPair(tx, grant.uid, hashPair(pair));
    return pair;
  });
}
