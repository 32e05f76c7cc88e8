import { expect, test } from 'vitest';
import { checkStackName } from './check-stack-name.ts';

test.each(['a', 'planton-connect-aws-production-abcd1234', 'A1-', 'n'.repeat(128)])('takes %.60s', (name) => {
  expect(checkStackName(name)).toEqual({ ok: true });
});

test.each([
  ['', 'empty', 'is empty; a stack has a name'],
  ['n'.repeat(129), 'length', 'is 129 characters long; the name of a stack has at most 128'],
  ['1a', 'characters', 'is not a letter followed by letters, digits and hyphens'],
  ['a_b', 'characters', 'is not a letter followed by letters, digits and hyphens'],
  ['a\n', 'characters', 'is not a letter followed by letters, digits and hyphens'],
  ['é', 'characters', 'is not a letter followed by letters, digits and hyphens'],
])('refuses %.60j', (name, reason, message) => {
  expect(checkStackName(name)).toEqual({ ok: false, reason, message });
});
