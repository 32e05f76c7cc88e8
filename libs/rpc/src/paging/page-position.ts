import { decodePageToken, pageTokenInvalid } from './page-token.ts';

/**
 * Where a page starts, from a token that anyone can make up: what the database could not take is refused like any other bad
 * token. Undefined for the first page. Throws `PAGE_TOKEN_INVALID`.
 *
 * @param count how many texts the sort key has
 */
export function textPosition(token: string, query: string, count: number): readonly string[] | undefined {
  const parts = decodePageToken(token, query);
  if (parts && (parts.length !== count || parts.some((part) => part.includes('\0'))))
    throw pageTokenInvalid();
  return parts;
}

/** Like `textPosition`, for a sort key that is a whole number. */
export function numberPosition(token: string, query: string): number | undefined {
  const parts = decodePageToken(token, query);
  return parts && numberOf(parts, 1);
}

/** Like `textPosition`, for a sort key that is a whole number and a text. */
export function numberedPosition(
  token: string,
  query: string,
): { readonly number: number; readonly text: string } | undefined {
  const parts = textPosition(token, query, 2);
  return parts && { number: numberOf(parts, 2), text: parts[1] ?? '' };
}

/** The first part, where there are `count`. At most 2^53. */
function numberOf(parts: readonly string[], count: number): number {
  const [part = ''] = parts;
  const value = Number(part);
  if (parts.length !== count || !/^[0-9]{1,16}$/.test(part) || !Number.isSafeInteger(value))
    throw pageTokenInvalid();
  return value;
}
