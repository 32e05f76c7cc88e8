import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatInstanceName, parseInstanceName } from './instance-name.ts';

const uid = '0b8f1f5e-6f0e-4f52-9b7a-0a3a3c6d2f11';

describe('the name of an instance', () => {
  test('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.uuid(), fc.stringMatching(/^[A-Za-z0-9-]{1,64}$/)),
        fc.integer({ min: 1, max: 2_147_483_647 }),
        (instanceUid, generation) => {
          const name = formatInstanceName(instanceUid, generation);
          expect(parseInstanceName(`URI:${name}`)).toEqual({ instanceUid, generation });
        },
      ),
    );
  });

  test('is what is read alone: whatever is read is written the same way', () => {
    const parts = fc.constantFrom(
      'URI:',
      'urn:planton:runner-instance:',
      uid,
      ':',
      '1',
      '0',
      ' ',
      ', ',
      '"',
      '\n',
      'DNS:',
      'é',
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(parts, { maxLength: 8 }).map((list) => list.join('')),
    );
    fc.assert(
      fc.property(text, (subjectAltName) => {
        const name = parseInstanceName(subjectAltName);
        if (name) {
          expect(`URI:${formatInstanceName(name.instanceUid, name.generation)}`).toBe(subjectAltName);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    '',
    'URI:',
    `urn:planton:runner-instance:${uid}:1`,
    `URI:urn:planton:runner-instance:${uid}`,
    `URI:urn:planton:runner-instance:${uid}:`,
    `URI:urn:planton:runner-instance:${uid}:0`,
    `URI:urn:planton:runner-instance:${uid}:01`,
    `URI:urn:planton:runner-instance:${uid}:-1`,
    `URI:urn:planton:runner-instance:${uid}:1e3`,
    `URI:urn:planton:runner-instance:${uid}:2147483648`,
    `URI:urn:planton:runner-instance:${uid}:99999999999999999999`,
    `URI:urn:planton:runner-instance:${uid}:1\n`,
    `URI:urn:planton:runner-instance:${uid}:1, URI:urn:planton:runner-instance:other:2`,
    `DNS:evil, URI:urn:planton:runner-instance:${uid}:1`,
    `DNS:URI:urn:planton:runner-instance:${uid}:1`,
    `URI:"urn:planton:runner-instance:${uid}:1"`,
    `URI:URN:PLANTON:RUNNER-INSTANCE:${uid}:1`,
    'URI:urn:planton:runner-instance:a/b:1',
    `URI:urn:planton:runner-instance:${'a'.repeat(65)}:1`,
  ])('is not read from %j', (subjectAltName) => {
    expect(parseInstanceName(subjectAltName)).toBeUndefined();
  });

  test.each([
    ['', 1],
    ['a b', 1],
    ['a:1', 1],
    [uid, 0],
    [uid, 1.5],
    [uid, Number.NaN],
    [uid, 2_147_483_648],
  ])('is not written for %j, %d', (instanceUid, generation) => {
    expect(() => formatInstanceName(instanceUid, generation)).toThrow(RangeError);
  });
});
