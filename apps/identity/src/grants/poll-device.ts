import { hashKey } from '../api-keys/mint-key.ts';
import { type Answer, json } from '../pages/exchange.ts';
import type { Words } from '../pages/read-form.ts';
import type { Site } from '../sign-in/site.ts';
import { pollRequest, spendRequest } from './device-store.ts';
import { mintPair, openGrant, tokenAnswer } from './open-grant.ts';

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** Answers a program that asks whether the person has allowed it (RFC 8628, section 3.5); nothing for a code that is not known. */
export async function pollDevice(site: Site, form: Words, peerAddress: string): Promise<Answer | undefined> {
  const code = form.get('device_code') ?? '';
  if (!/^[A-Za-z0-9_-]{43}$/.test(code)) return undefined;
  const hash = hashKey(code);
  const pair = mintPair(site.randomBytes);
  const uid = site.newUid();
  const origin = { requestId: site.newUid(), peerAddress };
  return await site.database.transact(async (tx) => {
    const polled = await pollRequest(tx, hash);
    if (!polled || polled.state === 'spent') return undefined;
    if (polled.early) return refusal('slow_down');
    if (polled.expired) return refusal('expired_token');
    if (polled.state === 'pending') return refusal('authorization_pending');
    await spendRequest(tx, hash);
    const { state, subject, label } = polled;
    if (state === 'denied' || !subject) return refusal('access_denied');
    const actor = { subject: { kind: 'user' as const, ...subject }, ...origin };
    await openGrant(tx, actor, { uid, subjectUid: subject.uid, label }, pair, 'device');
    return json(200, tokenAnswer(pair));
  });
}

function refusal(error: string): Answer {
  return json(400, { error });
}
