import { createHash, timingSafeEqual } from 'node:crypto';
import { hashKey } from '../api-keys/mint-key.ts';
import type { Words } from '../pages/read-form.ts';
import { recordRefusal } from '../sign-in/record-refusal.ts';
import type { Site } from '../sign-in/site.ts';
import { closeGrant } from './close-grant.ts';
import { type Code, noteGrant, spendCode } from './code-store.ts';
import { type MintedPair, mintPair, openGrant } from './open-grant.ts';

/**
 * Exchanges an authorisation code, once: whatever is wrong uses it up, and a code that comes again ends what came of it the first time.
 *
 * @returns nothing for every reason alike
 */
export async function exchangeCode(
  site: Site,
  form: Words,
  peerAddress: string,
): Promise<MintedPair | undefined> {
  const code = form.get('code') ?? '';
  if (!/^[A-Za-z0-9_-]{43}$/.test(code)) return undefined;
  const hash = hashKey(code);
  const pair = mintPair(site.randomBytes);
  const uid = site.newUid();
  const origin = { requestId: site.newUid(), peerAddress };
  return await site.database.transact(async (tx) => {
    const spent = await spendCode(tx, hash);
    if (!spent) return undefined;
    const { subjectUid, label, name, instanceOwner, grantUid } = spent;
    if (!spent.good) {
      if (grantUid !== null)
        await closeGrant(tx, origin, { uid: grantUid, subjectUid, label }, 'code_replayed');
      return undefined;
    }
    const reason = reasonAgainst(form, spent);
    if (reason !== undefined) {
      const account = { uid: subjectUid, name };
      await recordRefusal(tx, origin, { action: 'session_grant.create', how: 'browser', reason, account });
      return undefined;
    }
    const actor = { subject: { kind: 'user' as const, uid: subjectUid, name, instanceOwner }, ...origin };
    await openGrant(tx, actor, { uid, subjectUid, label }, pair, 'browser');
    await noteGrant(tx, hash, uid);
    return pair;
  });
}

/** What is wrong with what came with a code: whoever sends that has the code, and not the program's secrets. */
function reasonAgainst(
  form: Words,
  { redirectUri, codeChallenge }: Pick<Code, 'redirectUri' | 'codeChallenge'>,
): string | undefined {
  if (form.get('redirect_uri') !== redirectUri) return 'wrong_redirect';
  return matches(form.get('code_verifier') ?? '', codeChallenge) ? undefined : 'wrong_verifier';
}

/** RFC 7636, section 4.6, S256 alone. */
function matches(verifier: string, challenge: string): boolean {
  if (!/^[A-Za-z0-9._~-]{43,128}$/.test(verifier)) return false;
  const computed = createHash('sha256').update(verifier).digest();
  const expected = Buffer.from(challenge, 'base64url');
  return computed.length === expected.length && timingSafeEqual(computed, expected);
}
