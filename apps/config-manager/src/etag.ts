import { stale } from '@planton/rpc';

interface Revised {
  readonly uid: string;
  readonly revision: number;
}

/** Another one for every change, and for an object made again under the same slug. */
export function etagOf({ uid, revision }: Revised): string {
  return `${uid}.${revision}`;
}

/**
 * Refuses an update that was made for another state of the object.
 *
 * @param given from the request; empty for an update in any state
 * @param what as a command names it: `secret get my-secret`
 * @throws `STALE_ETAG`
 */
export function checkEtag(given: string, current: Revised | undefined, slug: string, what: string): void {
  if (given === '' || (current !== undefined && given === etagOf(current))) return;
  const now = current ? 'has changed since it was read' : 'no longer exists';
  throw stale('STALE_ETAG', `"${slug}" ${now}`, {
    hint: `planton ${what}`,
    metadata: { slug, ...(current ? { etag: etagOf(current) } : {}) },
  });
}
