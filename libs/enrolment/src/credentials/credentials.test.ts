import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EnrolmentError } from '../errors/enrolment-error.ts';
import { formatCredentials, parseCredentials, type RunnerCredentials } from './credentials.ts';

const pem = (label: string) =>
  fc
    .base64String({ minLength: 4, maxLength: 200 })
    .map((body) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`);
const slug = fc.stringMatching(/^[a-z0-9]{1,10}(-[a-z0-9]{1,10}){0,3}$/);
const time = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2999-01-01'), noInvalidDate: true })
  .map((date) => date.toISOString());
const host = fc.oneof(
  fc.domain(),
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]`),
);
const credentials: fc.Arbitrary<RunnerCredentials> = fc.record({
  server: fc.oneof(
    fc.domain().map((name) => `https://${name}`),
    fc.constant('http://127.0.0.1:8080/base'),
  ),
  org: slug,
  runner: slug,
  instanceUid: fc.uuid(),
  gatewayAddress: fc
    .tuple(host, fc.integer({ min: 1, max: 65_535 }))
    .map(([name, port]) => `${name}:${port}`),
  privateKey: pem('PRIVATE KEY'),
  certificate: pem('CERTIFICATE'),
  caBundle: fc.array(pem('CERTIFICATE'), { minLength: 1, maxLength: 3 }).map((all) => all.join('')),
  generation: fc.integer({ min: 1, max: 1_000_000 }),
  expireTime: time,
  renewAfterTime: time,
});

const errorOf = (text: string): unknown => {
  try {
    return parseCredentials(text, 'the file');
  } catch (error) {
    return error;
  }
};

test('what is written is read back', () => {
  fc.assert(
    fc.property(credentials, (given) => {
      expect(parseCredentials(formatCredentials(given), 'the file')).toEqual(given);
    }),
  );
});

test('fields of a later release are passed over', () => {
  fc.assert(
    fc.property(credentials, fc.jsonValue(), (given, extra) => {
      const text = JSON.stringify({ ...JSON.parse(formatCredentials(given)), addedLater: extra });
      expect(parseCredentials(text, 'the file')).toEqual(given);
    }),
  );
});

describe('refuses', () => {
  test('whatever text it is given, by an error that names the file and quotes nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const error = errorOf(text);
        expect(error).toBeInstanceOf(EnrolmentError);
        expect(error).toMatchObject({ kind: 'file', reason: 'CREDENTIALS_DAMAGED' });
        expect(String(error)).toContain('the file');
      }),
    );
  });

  test('a field that is missing or of another type, and never shows the key', () => {
    const fields = fc.constantFrom(...Object.keys(rulesOf()));
    const wrong = fc.oneof(
      fc.constant(undefined),
      fc.integer({ max: 0 }),
      fc.constant(''),
      fc.constant(null),
      fc.constant([]),
    );
    fc.assert(
      fc.property(credentials, fields, wrong, (given, field, value) => {
        const error = errorOf(JSON.stringify({ ...JSON.parse(formatCredentials(given)), [field]: value }));
        expect(error).toBeInstanceOf(EnrolmentError);
        expect(String(error)).toContain(`"${field}"`);
        expect(String(error)).not.toContain(given.privateKey.split('\n')[1]);
      }),
    );
  });

  test('a file that was cut off anywhere', () => {
    const given = fc.sample(credentials, { numRuns: 1, seed: 7 })[0];
    const text = formatCredentials(given as RunnerCredentials).trimEnd();
    for (let length = 0; length < text.length; length++) {
      expect(errorOf(text.slice(0, length))).toBeInstanceOf(EnrolmentError);
    }
  });

  test.each([
    ['org', '../../etc'],
    ['runner', 'a/b'],
    ['runner', '..'],
    ['org', 'A'],
    ['server', 'ftp://example.com'],
    ['server', 'https://user:password@example.com'],
    ['gatewayAddress', 'example.com'],
    ['gatewayAddress', 'example.com:0'],
    ['gatewayAddress', 'example.com:70000'],
    ['gatewayAddress', 'http://example.com:443'],
    ['instanceUid', 'a b'],
    ['generation', 1.5],
    ['expireTime', 'tomorrow'],
    ['privateKey', 'not a key'],
  ])('%s %j', (field, value) => {
    const [given] = fc.sample(credentials, 1);
    const text = JSON.stringify({
      ...JSON.parse(formatCredentials(given as RunnerCredentials)),
      [field]: value,
    });
    expect(errorOf(text)).toMatchObject({ reason: 'CREDENTIALS_DAMAGED' });
  });

  test('the format of a later release, with what to do', () => {
    const [given] = fc.sample(credentials, 1);
    const text = JSON.stringify({ ...JSON.parse(formatCredentials(given as RunnerCredentials)), format: 2 });
    expect(errorOf(text)).toMatchObject({ hint: 'start a newer release of the runner' });
  });
});

function rulesOf(): Record<string, unknown> {
  const [given] = fc.sample(credentials, 1);
  return { ...given };
}
