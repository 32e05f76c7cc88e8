import type { AccessToken } from '../authentication/access-token.ts';
import { quota } from '../errors/domain-error.ts';

/** Streams that one API key or sign-in may hold open at a time, on each replica. */
export const STREAMS_PER_KEY = 200;

/** Counts the streams that are open. */
export interface StreamCounter {
  /** Counts a stream until the signal says that it has ended. Throws `STREAMS_TOO_MANY`. */
  hold(token: AccessToken, ended: AbortSignal): void;
}

export function countStreams(): StreamCounter {
  const open = new Map<string, number>();
  return {
    hold: ({ subject }, ended) => {
      if (subject.kind === 'service' || ended.aborted) return;
      const key = subject.apiKeyUid ?? subject.uid;
      const held = open.get(key) ?? 0;
      if (held >= STREAMS_PER_KEY) {
        throw quota('STREAMS_TOO_MANY', `an API key or sign-in holds ${STREAMS_PER_KEY} streams at most`, {
          hint: 'end the commands that watch something and are not needed any more',
          metadata: { streams: String(STREAMS_PER_KEY) },
        });
      }
      open.set(key, held + 1);
      ended.addEventListener('abort', () => release(open, key), { once: true });
    },
  };
}

function release(open: Map<string, number>, key: string): void {
  const held = (open.get(key) ?? 0) - 1;
  if (held > 0) open.set(key, held);
  else open.delete(key);
}
