import type { RequestKeys } from '../policies/condition.ts';
import type { Caller } from './identity.ts';

/** What conditions of policies can ask of whoever calls, by key in lower case. */
export function describeCaller(caller: Caller, region: string): RequestKeys {
  const { tags, sourceIdentity } = caller.session ?? {};
  return new Map([
    ['aws:principalarn', caller.principalArn],
    ['aws:principalaccount', caller.accountId],
    ['aws:principaltype', caller.kind === 'user' ? 'User' : 'AssumedRole'],
    ['aws:userid', caller.userId],
    ['aws:requestedregion', region],
    ...(sourceIdentity === undefined ? [] : ([['aws:sourceidentity', sourceIdentity]] as const)),
    ...Array.from(tags ?? [], ([key, value]) => [`aws:principaltag/${key.toLowerCase()}`, value] as const),
  ]);
}
