import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { requesterTag, sessionName, sourceIdentity, tagValue } from './describe-session.ts';

const NAME = /^[A-Za-z0-9_+=,.@-]{2,64}$/;
const TAG = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

const uid = '5b6b9a39-6fd1-4a5f-9f0a-3a7fd7a3b0b1';
const digits = sessionName({ uid, name: '' }).slice('requester-'.length);

const anyText = fc.oneof(
  fc.string({ maxLength: 400, unit: 'binary' }),
  fc.string({ maxLength: 400, unit: 'grapheme' }),
  // Lone surrogates, which are in no text that came over the wire.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 })
    .map((units) => String.fromCharCode(...units)),
);
const requester = fc.record({
  uid: fc.uuid(),
  name: anyText,
  via: fc.option(anyText, { nil: undefined }),
});

describe('session names', () => {
  test.each([
    ['ada', undefined, `ada-${digits}`],
    ['ada@example.com', undefined, `ada@example.com-${digits}`],
    ['Zoë Åström', undefined, `Zoe-Astrom-${digits}`],
    ['ada', 'deployment-engine', `ada-via-deployment-engine-${digits}`],
    ['山田', undefined, `requester-${digits}`],
    [' -- ', '', `requester-${digits}`],
    ['n'.repeat(300), undefined, `${'n'.repeat(55)}-${digits}`],
  ])('%s via %s', (name, via, expected) => {
    expect(sessionName({ uid, name, via })).toBe(expected);
  });

  test('are such as AWS takes, whatever a requester is called', () => {
    fc.assert(
      fc.property(requester, (one) => {
        expect(sessionName(one)).toMatch(NAME);
      }),
    );
  });

  test('tell requesters apart whose names look alike', () => {
    const other = 'a3c1f6f2-0e46-4c77-8c3b-1a1d59f6a111';
    expect(sessionName({ uid, name: 'a b' })).not.toBe(sessionName({ uid: other, name: 'a-b' }));
  });
});

describe('source identities', () => {
  test.each([
    ['ada', 'ada'],
    ['ada@example.com', 'ada@example.com'],
    ['a', `a-${digits}`],
    ['Ada Lovelace', `Ada-Lovelace-${digits}`],
    ['aws:root', `aws-root-${digits}`],
    ['', `requester-${digits}`],
  ])('%j', (name, expected) => {
    expect(sourceIdentity({ uid, name })).toBe(expected);
  });

  test('are such as AWS takes, and never pass one name off as another', () => {
    fc.assert(
      fc.property(requester, (one) => {
        const identity = sourceIdentity(one);
        expect(identity).toMatch(NAME);
        const text = one.via ? `${one.name} via ${one.via}` : one.name;
        if (identity !== text) expect(identity).toBe(sessionName(one));
      }),
    );
  });
});

describe('values of session tags', () => {
  test.each([
    ['production', 'production'],
    ['山田 太郎', '山田 太郎'],
    ['a\nb\0c;d', 'a_b_c_d'],
    ['  padded  ', 'padded'],
    ['', ''],
    ['\ud800', '_'],
    ['𝒜'.repeat(200), '𝒜'.repeat(128)],
  ])('%j', (text, expected) => {
    expect(tagValue(text)).toBe(expected);
  });

  test('are such as AWS takes, and stay what they are', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const value = tagValue(text);
        expect(value).toMatch(TAG);
        expect(value.length).toBeLessThanOrEqual(256);
        expect(value.isWellFormed()).toBe(true);
        expect(tagValue(value)).toBe(value);
      }),
    );
  });

  test('a requester always has one', () => {
    expect(requesterTag({ uid, name: 'ada', via: 'engine' })).toBe('ada via engine');
    expect(requesterTag({ uid, name: ' ' })).toBe(uid);
    fc.assert(
      fc.property(requester, (one) => {
        expect(requesterTag(one)).not.toBe('');
        expect(requesterTag(one)).toMatch(TAG);
      }),
    );
  });
});
