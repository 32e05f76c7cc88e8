import { pageTokenInvalid } from '@planton/rpc';

/** A place in a list that is ordered by slug. */
export interface Place {
  readonly slug: string;
  readonly uid: string;
}

/** Reads the parts of a page token, which anybody can make up. @throws `PAGE_TOKEN_INVALID` */
export function placeOf(parts: readonly string[] | undefined): Place | undefined {
  if (parts === undefined) return undefined;
  const [slug, uid] = parts;
  if (slug === undefined || uid === undefined || !/^[\w-]{1,64}$/.test(slug) || !/^[\w-]{1,64}$/.test(uid)) {
    throw pageTokenInvalid();
  }
  return { slug, uid };
}
