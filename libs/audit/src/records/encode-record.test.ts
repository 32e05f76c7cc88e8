import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeFields, encodeFields } from './encode-fields.ts';
import { decodeRecord, encodeRecord, hashRecord, recordFields, type TrailRecord } from './encode-record.ts';
import { formatExactTime, parseExactTime } from './exact-time.ts';

const text = fc.string({ unit: 'binary' }).filter((each) => each.isWellFormed());
const number = fc.integer({ min: -(2 ** 31), max: Number.MAX_SAFE_INTEGER });
const details = fc.oneof(fc.dictionary(text, text), text);

export const anyRecord: fc.Arbitrary<TrailRecord> = fc.record({
  ...Object.fromEntries(recordFields.map((name) => [name, text])),
  sequence: number,
  version: number,
  details,
}) as fc.Arbitrary<TrailRecord>;

describe('the encoding of fields', () => {
  test('gives back what it was given, and takes nothing else', () => {
    const fields = fc.array(fc.uint8Array());
    fc.assert(
      fc.property(fields, (given) => {
        expect(decodeFields(encodeFields(given)).map((each) => [...each])).toEqual(
          given.map((each) => [...each]),
        );
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          expect(encodeFields(decodeFields(bytes))).toEqual(Buffer.from(bytes));
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
    );
  });
});

describe('the encoding of a record', () => {
  test('gives back every record', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(decodeRecord(encodeRecord(record))).toEqual({ ...record, details: record.details });
      }),
    );
  });

  test('does not depend on the order of details in memory', () => {
    fc.assert(
      fc.property(anyRecord, fc.dictionary(text, text), (record, map) => {
        const reversed = Object.fromEntries(Object.entries(map).reverse());
        expect(hashRecord({ ...record, details: reversed })).toEqual(hashRecord({ ...record, details: map }));
      }),
    );
  });

  test('refuses half a surrogate pair, which reads like another text', () => {
    const [record] = fc.sample(anyRecord, 1) as [TrailRecord];
    expect(() => encodeRecord({ ...record, purpose: '\ud800' })).toThrow(RangeError);
  });

  test('is what the documentation says', () => {
    const record: TrailRecord = {
      service: 'config-manager',
      organization_uid: 'o',
      sequence: 7,
      uid: 'u',
      record_time: '2026-01-31T12:00:00.000001Z',
      action: 'secret.access',
      actor_uid: 'a',
      actor_name: 'Ada',
      via_service: '',
      api_key_uid: 'k',
      resource_kind: 'secret',
      resource_uid: 's',
      resource_slug: 'db',
      environment: '',
      version: 2,
      request_id: 'r',
      purpose: '',
      outcome: 'succeeded',
      peer_address: '::1',
      details: { b: '2', a: '1' },
    };
    expect(hashRecord(record).toString('hex')).toMatchInlineSnapshot(
      `"ebd5d2523d4a03a1129a3c963b56bbc477d6b96b941bdf56ebd2f6b3cafbc809"`,
    );
  });
});

test('times keep their microseconds', () => {
  const time = fc.record({
    seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
    micros: fc.integer({ min: 0, max: 999_999 }),
  });
  fc.assert(
    fc.property(time, ({ seconds, micros }) => {
      const exact = { seconds, nanos: micros * 1000 };
      expect(parseExactTime(formatExactTime(exact))).toEqual(exact);
    }),
  );
});
