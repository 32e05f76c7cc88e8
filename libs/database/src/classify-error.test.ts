import { expect, test } from 'vitest';
import { isConflict, isUnavailable, isUniqueViolation } from './classify-error.ts';

const failure = (code: string, more: object = {}) => Object.assign(new Error('text'), { code, ...more });

test.each([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  '57P01',
  '57P03',
  '53300',
  '08006',
  '25P03',
])('%s is unavailable', (code) => expect(isUnavailable(failure(code))).toBe(true));

test.each(['23505', '42P01', '28P01', '3D000', '40001', '22012', 'ENOENT', '0800'])('%s is not', (code) =>
  expect(isUnavailable(failure(code))).toBe(false),
);

test('a cause is looked through, also in a circle', () => {
  const inner = failure('23505', { constraint: 'name_key' });
  const outer = new Error('outer', { cause: new Error('middle', { cause: inner }) });
  expect(isUniqueViolation(outer, 'name_key')).toBe(true);
  expect(isConflict(new Error('x', { cause: failure('40P01') }))).toBe(true);

  const circle: Error = new Error('circle');
  circle.cause = circle;
  expect(isUnavailable(circle)).toBe(false);
});

test.each([undefined, null, 'ECONNREFUSED', 57, { code: 'ECONNREFUSED' }, failure('')])(
  '%s is nothing',
  (value) => {
    expect(isUnavailable(value)).toBe(false);
    expect(isUniqueViolation(value)).toBe(false);
  },
);
