import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Callback, hashClaim, parseCallback } from './claim.ts';

const callback: Callback = {
  setupId: '54fd863d-4527-43a4-b88d-e32be90a85c4',
  token: 'x'.repeat(43),
  accountId: '123456789012',
  roleArn: 'arn:aws:iam::123456789012:role/PlantonConnect-a-12345678',
  stackId: 'arn:aws:cloudformation:us-west-2:123456789012:stack/planton-connect-a-12345678/0a1b',
  externalId: 'e'.repeat(64),
  templateVersion: '1',
};
const encode = (value: unknown) => Buffer.from(JSON.stringify(value));

test('a callback is read as it was written', () => {
  expect(parseCallback(encode(callback))).toEqual(callback);
});

test.each([
  ['not JSON', Buffer.from('{')],
  ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ['nothing', Buffer.alloc(0)],
  ['a list', encode([callback])],
  ['null', encode(null)],
  ['a field more', encode({ ...callback, admin: true })],
  ['a field less', encode({ ...callback, token: undefined })],
  ['a field of another type', encode({ ...callback, accountId: 123456789012 })],
  ['a token of another length', encode({ ...callback, token: 'x'.repeat(42) })],
  ['a role of another account', encode({ ...callback, roleArn: 'arn:aws:iam::999999999999:role/a' })],
  [
    'a stack of another account',
    encode({ ...callback, stackId: callback.stackId.replace('123456789012', '999999999999') }),
  ],
  [
    'a role of another partition',
    encode({ ...callback, roleArn: callback.roleArn.replace('arn:aws:', 'arn:aws-cn:') }),
  ],
  ['a user instead of a role', encode({ ...callback, roleArn: 'arn:aws:iam::123456789012:user/aaaa' })],
  ['a stack that is none', encode({ ...callback, stackId: 'arn:aws:s3:us-west-2:123456789012:stack/a' })],
  ['a line break', encode({ ...callback, roleArn: `${callback.roleArn}\n` })],
  ['an inherited field', Buffer.from(`{"__proto__":${JSON.stringify(callback)}}`)],
])('%s is refused', (_what, body) => {
  expect(parseCallback(body)).toBeUndefined();
});

test('whatever comes, nothing is thrown', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      (bytes) => parseCallback(Buffer.from(bytes)) === undefined,
    ),
  );
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseCallback(Buffer.from(text))).toBeUndefined();
    }),
  );
});

test('the claim is the same with another token, and another with another word', () => {
  expect(hashClaim({ ...callback, token: 'y'.repeat(43) })).toEqual(hashClaim(callback));
  for (const field of [
    'setupId',
    'accountId',
    'roleArn',
    'stackId',
    'externalId',
    'templateVersion',
  ] as const) {
    expect(hashClaim({ ...callback, [field]: `${callback[field]}0` })).not.toEqual(hashClaim(callback));
  }
});
