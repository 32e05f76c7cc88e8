import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { PLATFORM_RUNNER_UID } from '../runners/runner.ts';
import { hashToken, mintToken } from './token.ts';
import { dropExpiredTokens, insertToken } from './token-store.ts';

const LIFETIME_SECONDS = 300;
const BY = 'runner-gateway';

/**
 * A token that lets one platform runner enrol, within five minutes. For the process that starts it alone: no RPC gives out such a token.
 * `keepPlatformRunner` comes first.
 */
export async function createPlatformToken(
  deps: Pick<Deps, 'database' | 'newUid' | 'randomBytes'>,
): Promise<string> {
  const { database, newUid, randomBytes } = deps;
  const text = mintToken(randomBytes);
  await database.transact(async (tx) => {
    await dropExpiredTokens(tx, PLATFORM_RUNNER_UID);
    const { uid } = await insertToken(tx, {
      uid: newUid(),
      runnerUid: PLATFORM_RUNNER_UID,
      organizationUid: '',
      hash: hashToken(text),
      useLimit: 1,
      lifetimeSeconds: LIFETIME_SECONDS,
      by: BY,
    });
    const caller = { subject: { uid: BY, name: BY }, requestId: '', peerAddress: '' };
    await recordAudit(
      tx,
      newUid(),
      { organizationUid: '', caller },
      {
        action: 'runner_token.create',
        resource: { kind: 'runner_token', uid, slug: PLATFORM_RUNNER_UID },
        details: { use_limit: '1' },
      },
    );
  });
  return text;
}
