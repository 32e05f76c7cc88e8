import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkAccessKeyId } from './check-access-key-id.ts';
import { checkCredentials } from './check-credentials.ts';
import { checkSecretAccessKey } from './check-secret-access-key.ts';
import { checkSessionToken } from './check-session-token.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const LONG_TERM = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET };
const TEMPORARY = { accessKeyId: 'ASIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET };
const TOKEN = 'IQoJb3JpZ2luX2VjEXAMPLE/+==';

describe('access key id', () => {
  test('takes both kinds', () => {
    expect(checkAccessKeyId(LONG_TERM.accessKeyId)).toEqual({ ok: true, value: 'long_term' });
    expect(checkAccessKeyId(TEMPORARY.accessKeyId)).toEqual({ ok: true, value: 'temporary' });
  });

  test.each([
    ['', 'empty', 'is empty'],
    ['AKIAIOSFODNN7EXAMPLE\n', 'whitespace', 'has leading or trailing white space'],
    ['"AKIAIOSFODNN7EXAMPLE"', 'quoted', 'is wrapped in quotes; leave them out'],
    ['AKIAIOSFODNN7EXAMPL', 'length', 'is 19 characters long; an access key id has 20'],
    [SECRET, 'length', 'is 40 characters long; an access key id has 20'],
    ['akiaiosfodnn7example', 'characters', 'holds characters other than capital letters and digits'],
    [
      'AROAIOSFODNN7EXAMPLE',
      'prefix',
      'is the unique id of an IAM role; an access key id starts with AKIA or ASIA',
    ],
    [
      'AIDAIOSFODNN7EXAMPLE',
      'prefix',
      'is the unique id of an IAM user; an access key id starts with AKIA or ASIA',
    ],
    ['XXXXIOSFODNN7EXAMPLE', 'prefix', 'does not start with AKIA (long-term) or ASIA (temporary)'],
  ])('refuses %j', (value, reason, message) => {
    expect(checkAccessKeyId(value)).toEqual({ ok: false, reason, message });
  });
});

describe('secret access key', () => {
  test('takes 40 characters of its alphabet and nothing else', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9a-zA-Z/+]{38,42}$/), (value) => {
        expect(checkSecretAccessKey(value).ok).toBe(value.length === 40);
      }),
    );
  });

  test.each([
    [SECRET.slice(1), 'length', 'is 39 characters long; a secret access key has 40'],
    [` ${SECRET}`, 'whitespace', 'has leading or trailing white space'],
    [`'${SECRET}'`, 'quoted', 'is wrapped in quotes; leave them out'],
    [SECRET.replace('/', '='), 'characters', 'holds characters other than letters, digits, / and +'],
    [SECRET.replace('/', '\n'), 'characters', 'holds characters other than letters, digits, / and +'],
  ])('refuses a broken one (%#)', (value, reason, message) => {
    expect(checkSecretAccessKey(value)).toEqual({ ok: false, reason, message });
  });
});

describe('session token', () => {
  test.each([
    ['', 'empty'],
    ['short', 'length'],
    ['t'.repeat(16_385), 'length'],
    [`${TOKEN}\n`, 'whitespace'],
    [`${TOKEN}\r\nX-Injected: 1`, 'characters'],
    [`${TOKEN}é`, 'characters'],
  ])('refuses %.40j', (value, reason) => {
    expect(checkSessionToken(value)).toMatchObject({ ok: false, reason });
  });

  test('takes one', () => {
    expect(checkSessionToken(TOKEN)).toEqual({ ok: true });
  });
});

describe('a set of credentials', () => {
  test('that belongs together has no fault', () => {
    expect(checkCredentials(LONG_TERM)).toEqual([]);
    expect(checkCredentials({ ...TEMPORARY, sessionToken: TOKEN })).toEqual([]);
  });

  test('a temporary key needs its token, a long-term key has none', () => {
    expect(checkCredentials(TEMPORARY)).toMatchObject([{ field: 'session_token', reason: 'missing' }]);
    expect(checkCredentials({ ...LONG_TERM, sessionToken: TOKEN })).toMatchObject([
      { field: 'session_token', reason: 'unexpected' },
    ]);
  });

  test('reports every field that is wrong', () => {
    const faults = checkCredentials({ accessKeyId: 'AKIA', secretAccessKey: '', sessionToken: 'short' });
    expect(faults.map(({ field, reason }) => [field, reason])).toEqual([
      ['access_key_id', 'length'],
      ['secret_access_key', 'empty'],
      ['session_token', 'length'],
    ]);
  });
});

/** A message may depend on the length and on which rule failed, so two values alike in both must be told the same. */
test('a message says nothing of the value beyond its length and the rule that failed', () => {
  const checks = [checkAccessKeyId, checkSecretAccessKey, checkSessionToken];
  const allowed = new Set([
    'is empty',
    'has leading or trailing white space',
    'is wrapped in quotes; leave them out',
    'holds characters other than capital letters and digits',
    'holds characters other than letters, digits, / and +',
    'holds white space or characters that a session token cannot have',
    'does not start with AKIA (long-term) or ASIA (temporary)',
  ]);
  fc.assert(
    fc.property(
      fc.constantFrom(...checks),
      fc.oneof(
        fc.string({ maxLength: 60, unit: 'binary' }),
        fc.string({ minLength: 20, maxLength: 20 }),
        fc.string({ minLength: 40, maxLength: 40 }),
      ),
      (check, value) => {
        const result = check(value);
        if (result.ok || allowed.has(result.message)) return;
        const withoutLength = result.message.replace(
          `is ${value.length} characters long`,
          'is N characters long',
        );
        expect(withoutLength).toMatch(
          /^is N characters long; an? (access key id has 20|secret access key has 40|session token has 16 to 16384)$/,
        );
      },
    ),
    { numRuns: 300 },
  );
});
