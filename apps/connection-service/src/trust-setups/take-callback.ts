import { timingSafeEqual } from 'node:crypto';
import type { Caller } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { type Callback, hashClaim, sha256 } from './claim.ts';
import { SETUP_KIND, type TrustSetup } from './trust-setup.ts';
import { claimSetup, findSetupByToken, markExternalIdEdited } from './trust-setup-store.ts';

type CallbackDeps = Pick<Deps, 'database' | 'newUid' | 'logger'>;

/** Why a callback is refused: for the log and the audit, never for whoever called. */
type Refusal =
  | 'TOKEN_UNKNOWN'
  | 'SETUP_MISMATCH'
  | 'ACCOUNT_MISMATCH'
  | 'EXTERNAL_ID_MISMATCH'
  | 'CLAIM_DIFFERS'
  | 'SETUP_ENDED';

/**
 * Takes down what the function of a stack claims. It is a hint: it makes the platform try the role at once, and nothing of it is believed
 * before AWS has confirmed it. The same claim again changes nothing and is heard as the first time; another one is refused.
 *
 * @returns whether it was heard
 */
export async function takeCallback(
  deps: CallbackDeps,
  callback: Callback,
  peerAddress: string,
): Promise<boolean> {
  const { database } = deps;
  const setup = await findSetupByToken(database.query, sha256(callback.token));
  const refusal = setup ? await claim(deps, setup, callback, peerAddress) : 'TOKEN_UNKNOWN';
  if (!setup) {
    deps.logger.debug({ reason: refusal, peerAddress }, 'a callback was refused');
    return false;
  }
  if (refusal === undefined) return true;
  await recordCallback(deps, setup, peerAddress, refusal);
  return false;
}

/** Undefined where the claim was heard, now or before. */
async function claim(
  deps: CallbackDeps,
  setup: TrustSetup,
  callback: Callback,
  peerAddress: string,
): Promise<Refusal | undefined> {
  const { query } = deps.database;
  if (setup.uid !== callback.setupId) return 'SETUP_MISMATCH';
  if (setup.account_id !== callback.accountId) return 'ACCOUNT_MISMATCH';
  if (!timingSafeEqual(setup.external_id_hash, sha256(callback.externalId))) {
    await markExternalIdEdited(query, setup.uid);
    return 'EXTERNAL_ID_MISMATCH';
  }
  const hash = hashClaim(callback);
  const known = setup.claim_hash;
  if (known) return timingSafeEqual(known, hash) ? undefined : 'CLAIM_DIFFERS';
  if (setup.end_time) return 'SETUP_ENDED';
  if (await claimSetup(query, setup.uid, { hash, roleArn: callback.roleArn, stackId: callback.stackId })) {
    await recordCallback(deps, setup, peerAddress);
    return undefined;
  }
  // Another one came at the same time, or it ended: what stands now decides.
  const now = await findSetupByToken(query, sha256(callback.token));
  if (now?.claim_hash && timingSafeEqual(now.claim_hash, hash)) return undefined;
  return now?.claim_hash ? 'CLAIM_DIFFERS' : 'SETUP_ENDED';
}

/** The stack is nobody that the platform knows: it is named as what it is. */
async function recordCallback(
  { database, newUid }: CallbackDeps,
  setup: TrustSetup,
  peerAddress: string,
  refusal?: Refusal,
): Promise<void> {
  const subject = { kind: 'service', uid: setup.uid, name: 'stack callback', instanceOwner: false } as const;
  const caller: Caller = { subject, requestId: newUid(), peerAddress };
  await recordAudit(
    database.query,
    newUid(),
    { organizationUid: setup.organization_uid, caller },
    {
      action: 'trust_setup.callback',
      resource: { kind: SETUP_KIND, uid: setup.uid, slug: setup.connection_slug },
      outcome: refusal ? 'denied' : 'succeeded',
      ...(refusal && { details: { reason: refusal } }),
    },
  );
}
