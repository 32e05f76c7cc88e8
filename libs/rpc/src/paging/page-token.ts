import { createHash } from 'node:crypto';
import { invalid } from '../errors/domain-error.ts';

const DEFAULT_PAGE_SIZE = 100;

/** The page size to use for a requested one: 100 for 0. The contract bounds the request to 1000. */
export function pageSizeOf(requested: number): number {
  return requested === 0 ? DEFAULT_PAGE_SIZE : requested;
}

/**
 * Makes an opaque page token from the sort key of the last row.
 *
 * @param query everything that selects the rows: a token is good for the query that it was made for alone
 */
export function encodePageToken(parts: readonly string[], query: string): string {
  return Buffer.from(JSON.stringify([digest(query), ...parts])).toString('base64url');
}

/** Reads a page token; undefined for an empty one. Throws `PAGE_TOKEN_INVALID` for one that this query did not make. */
export function decodePageToken(token: string, query: string): readonly string[] | undefined {
  if (token === '') return undefined;
  const [made, ...parts] = parse(token);
  if (made !== digest(query) || !parts.every((part) => typeof part === 'string')) {
    throw pageTokenInvalid();
  }
  return parts;
}

/** The error for a token that no list returned, or not for this query. */
export function pageTokenInvalid() {
  return invalid('PAGE_TOKEN_INVALID', 'page_token is not one that this list returned', {
    hint: 'ask for the first page without a page_token, with the same filters',
  });
}

function parse(token: string): unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function digest(query: string): string {
  return createHash('sha256').update(query).digest('base64url').slice(0, 16);
}
