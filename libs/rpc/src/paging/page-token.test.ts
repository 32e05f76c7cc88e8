import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodePageToken, encodePageToken, pageSizeOf } from './page-token.ts';

describe('page tokens', () => {
  test('come back as they were made', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.string(), (parts, query) => {
        expect(decodePageToken(encodePageToken(parts, query), query)).toEqual(parts);
      }),
    );
  });

  test('are good for their own query alone', () => {
    expect(() => decodePageToken(encodePageToken(['a'], 'provider=aws'), 'provider=')).toThrow('page_token');
  });

  test('made up by a caller are refused and never break', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (token) => {
        expect(() => decodePageToken(token, 'query')).toThrow('page_token');
      }),
    );
    const forged = Buffer.from(JSON.stringify(['x', { toString: 'evil' }])).toString('base64url');
    expect(() => decodePageToken(forged, 'query')).toThrow('page_token');
  });

  test('an empty one is the first page, and no size is 100', () => {
    expect(decodePageToken('', 'query')).toBeUndefined();
    expect([pageSizeOf(0), pageSizeOf(7)]).toEqual([100, 7]);
  });
});
