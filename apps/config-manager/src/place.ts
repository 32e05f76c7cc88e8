import { invalid } from '@planton/rpc';

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

export function pageTokenInvalid() {
  return invalid('PAGE_TOKEN_INVALID', 'page_token is not one that this list returned', {
    hint: 'ask for the first page without a page_token, with the same filters',
  });
}
