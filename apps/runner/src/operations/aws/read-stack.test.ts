import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ACCOUNT } from '../../testing/use-aws.ts';
import { parseStack } from './read-stack.ts';

const place = { partition: 'aws', accountId: ACCOUNT } as const;
const parse = (text: string) => parseStack(text, place, 'us-west-2');
const ARN = `arn:aws:cloudformation:us-west-2:${ACCOUNT}:stack/planton-connect-a/0a1b-2c3d`;

test('a name and an ARN lead to one stack', () => {
  expect(parse('planton-connect-a')).toEqual({
    name: 'planton-connect-a',
    arn: `arn:aws:cloudformation:us-west-2:${ACCOUNT}:stack/planton-connect-a/*`,
  });
  expect(parse(ARN)).toEqual({ name: ARN, arn: ARN });
});

test.each([
  '*',
  'a*',
  'a/b',
  '1a',
  'a"b',
  'a'.repeat(129),
  ARN.replace('us-west-2', 'us-east-1'),
  ARN.replace(ACCOUNT, '210987654321'),
  ARN.replace('stack/', 'changeSet/'),
  ARN.replace('0a1b-2c3d', '*'),
  ARN.replace('cloudformation', 's3'),
  `${ARN}/x`,
])('%j is no stack of this place', (text) => {
  expect(parse(text)).toBeUndefined();
});

test('whatever is given, the policy names no more than one stack of the place', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'ab*?/:-"{}') })), (text) => {
      const stack = parse(text);
      if (stack)
        expect(stack.arn).toMatch(
          /^arn:aws:cloudformation:us-west-2:123456789012:stack\/[A-Za-z0-9-]+\/(\*|[A-Za-z0-9-]+)$/,
        );
    }),
  );
});
