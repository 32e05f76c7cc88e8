import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeObservation, maskSecrets } from './describe-observation.ts';

const KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const TOKEN = `IQoJb3JpZ2luX2VjEPb//////////wEaCXVzLWVhc3QtMSJHMEUCIQ${'D2x/9'.repeat(40)}==`;

const observe = (name: string, message: string, httpStatus?: number) =>
  describeObservation({ name, message, ...(httpStatus !== undefined && { httpStatus }) }, []);

describe('says what was seen', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/Planton/PlantonConnectRole-AbCdEfGhIjKlMnOpQrStUvWxYz0123';
  const DENIAL = `User: arn:aws-us-gov:sts::111122223333:assumed-role/PlatformRunner/i-0123456789abcdef0 is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`;

  test.each([
    [observe('AccessDenied', DENIAL, 403), `AWS answered AccessDenied (HTTP 403): ${DENIAL}`],
    [
      observe('OutboundWebIdentityFederationDisabledException', '', 403),
      'AWS answered OutboundWebIdentityFederationDisabledException (HTTP 403)',
    ],
    [observe('Unknown', 'Unknown', 503), 'HTTP 503 without an answer that AWS gives'],
    [
      describeObservation(
        { name: 'Error', message: 'connect ECONNREFUSED 127.0.0.1:1', networkCode: 'ECONNREFUSED' },
        [],
      ),
      'ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:1',
    ],
    [observe('AbortError', 'Request aborted'), 'AbortError: Request aborted'],
    [observe('AbortError', 'AbortError'), 'AbortError'],
    [
      observe(
        'Error',
        'getaddrinfo ENOTFOUND vpce-0abc123456789def0-abcd1234.sts.us-west-2.vpce.amazonaws.com',
      ),
      'Error: getaddrinfo ENOTFOUND vpce-0abc123456789def0-abcd1234.sts.us-west-2.vpce.amazonaws.com',
    ],
  ])('%s', (observation, expected) => {
    expect(observation).toBe(expected);
  });
});

describe('never holds credentials', () => {
  test.each([
    `The access key ${KEY_ID} is not valid`,
    `Credential=${KEY_ID}/20260301/us-west-2/sts/aws4_request, SignedHeaders=host`,
    `The secret is ${SECRET}.`,
    `aws_secret_access_key=${SECRET}`,
    `X-Amz-Security-Token=${encodeURIComponent(TOKEN)}&X-Amz-Date=20260301T120000Z`,
    `Signature=${'0123456789abcdef'.repeat(4)}`,
    `The request signature we calculated does not match. The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:${TOKEN}\n'`,
    `connect ECONNREFUSED http://user:hunter2@proxy.example.com:3128`,
    `Command failed: /usr/local/bin/credentials --password hunter2`,
    `AK${'\u200b'}IA${KEY_ID.slice(4)}`,
  ])('%#', (message) => {
    const line = maskSecrets(message, []);
    for (const secret of [KEY_ID, SECRET, TOKEN, 'hunter2', '0123456789abcdef0123']) {
      expect(line).not.toContain(secret);
      expect(line).not.toContain(encodeURIComponent(secret));
    }
    expect(line).not.toContain(KEY_ID.slice(4));
    expect(line).not.toContain(TOKEN.slice(0, 30));
  });

  test('as the name of an error', () => {
    for (const name of [KEY_ID, SECRET, TOKEN, `Error ${SECRET}`, '\u001b[2J']) {
      expect(observe(name, 'message', 403)).toBe('HTTP 403 without an answer that AWS gives');
    }
  });

  test('wherever it stands among other text, hidden in an ARN or cut off', () => {
    const secrets = [KEY_ID, SECRET, TOKEN, 'ext-4f9a'];
    const pieces = fc.oneof(
      fc.constantFrom(...secrets),
      fc.constantFrom(
        'arn:aws:iam::123456789012:user/',
        '://',
        '@',
        ' ',
        '\n',
        '\u200b',
        '%2F',
        'Command failed',
      ),
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.integer({ min: 1, max: 5_000 }).map((length) => 'a '.repeat(length)),
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const line = maskSecrets(parts.join(''), secrets);
        for (const secret of secrets) expect(line).not.toContain(secret);
        expect(Array.from(line).length).toBeLessThanOrEqual(500);
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
        expect(line.isWellFormed()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('without being told: a key id or a token between words', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    fc.assert(
      fc.property(
        fc.array(word),
        fc.constantFrom(KEY_ID, SECRET, TOKEN),
        fc.array(word),
        (before, secret, after) => {
          expect(maskSecrets([...before, secret, ...after].join(' '), [])).not.toContain(secret);
        },
      ),
    );
  });
});

test('takes a message of megabytes in no time that matters', () => {
  const line = maskSecrets(`${'://'.repeat(500_000)}${'A'.repeat(1_000_000)}`, [SECRET]);
  expect(line.length).toBeLessThanOrEqual(500);
});
