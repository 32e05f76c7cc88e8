import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkSessionPolicy } from './check-session-policy.ts';

const STATEMENT = { Effect: 'Deny', Action: '*', Resource: '*' };

function policy(Statement: unknown, Version: unknown = '2012-10-17') {
  return JSON.stringify({ Version, Statement });
}

test.each([
  policy(STATEMENT),
  policy([STATEMENT, { Effect: 'Allow', NotAction: ['s3:*'], NotResource: ['arn:aws:s3:::a'] }]),
  JSON.stringify({ Statement: [STATEMENT] }),
  policy(STATEMENT).padEnd(2048, '\n'),
])('takes %.80s', (text) => {
  expect(checkSessionPolicy(text)).toEqual({ ok: true });
});

test.each([
  ['', 'empty', 'is empty'],
  [policy(STATEMENT).padEnd(2049), 'length', 'is 2049 characters long'],
  ['{"Statement": "\u0000"}', 'characters', 'control characters'],
  ['{"Statement": "\u4e00"}', 'characters', 'characters that a policy cannot have'],
  ['{', 'json', 'is not a JSON object'],
  ['[]', 'json', 'is not a JSON object'],
  ['null', 'json', 'is not a JSON object'],
  [policy(STATEMENT, '2020-01-01'), 'version', '2012-10-17'],
  ['{}', 'statement', 'has no Statement'],
  [policy([]), 'statement', 'has no Statement'],
  [policy([STATEMENT, 1]), 'statement', 'Statement 2 is not an object'],
  [policy({ ...STATEMENT, Effect: 'deny' }), 'statement', 'Statement 1 has no Effect'],
  [policy({ ...STATEMENT, Principal: '*' }), 'statement', 'Statement 1 has a principal'],
  [policy({ ...STATEMENT, NotAction: 'a' }), 'statement', 'needs one of Action and NotAction'],
  [policy({ Effect: 'Deny', Action: '*' }), 'statement', 'needs one of Resource and NotResource'],
  [policy({ ...STATEMENT, Action: [] }), 'statement', 'neither a string nor a list'],
  [policy({ ...STATEMENT, Resource: [1] }), 'statement', 'neither a string nor a list'],
])('refuses %.80s', (text, reason, message) => {
  expect(checkSessionPolicy(text)).toMatchObject({
    ok: false,
    reason,
    message: expect.stringContaining(message),
  });
});

test('answers for any JSON', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const result = checkSessionPolicy(text);
      if (!result.ok) expect(result.message).not.toBe('');
    }),
  );
});
