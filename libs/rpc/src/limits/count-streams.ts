import type { AccessToken } from '../authentication/access-token.ts';
import { quota } from '../errors/domain-error.ts';
import { networkOf } from './network-of.ts';

/** Streams that one API key or sign-in may hold open at a time, on each replica. */
const STREAMS_PER_KEY = 200;

/** Streams without a credential that one address may hold open at a time. */
const STREAMS_PER_ADDRESS = 20;

/** Counts the streams that are open. */
export interface StreamCounter {
  /** Counts a stream until the signal says that it has ended. Throws `STREAMS_TOO_MANY`. Services of the platform are not counted. */
  holdForCaller(token: AccessToken, ended: AbortSignal): void;
  /** The same for a stream of nobody in particular. No address is not counted. */
  holdForStranger(address: string, ended: AbortSignal): void;
}

export function countStreams(): StreamCounter {
  const open = new Map<string, number>();
  const hold = (key: string, most: number, who: string, ended: AbortSignal) => {
    if (ended.aborted) return;
    const held = open.get(key) ?? 0;
    if (held >= most) {
      throw quota('STREAMS_TOO_MANY', `${who} holds ${most} streams at most`, {
        hint: 'end the commands that watch something and are not needed any more',
        metadata: { streams: String(most) },
      });
    }
    open.set(key, held + 1);
    ended.addEventListener('abort', () => release(open, key), { once: true });
  };
  return {
    holdForCaller: ({ subject }, ended) => {
      if (subject.kind === 'service') return;
      hold(`key:${subject.apiKeyUid ?? subject.uid}`, STREAMS_PER_KEY, 'an API key or sign-in', ended);
    },
    holdForStranger: (address, ended) => {
      if (address === '') return;
      hold(`address:${networkOf(address)}`, STREAMS_PER_ADDRESS, 'an address without a credential', ended);
    },
  };
}

function release(open: Map<string, number>, key: string): void {
  const held = (open.get(key) ?? 0) - 1;
  if (held > 0) open.set(key, held);
  else open.delete(key);
}
