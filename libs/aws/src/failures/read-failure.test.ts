import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readAwsFailure } from './read-failure.ts';

describe('reads', () => {
  test('what AWS answered', () => {
    const error = Object.assign(new Error('Rate exceeded'), {
      name: 'Throttling',
      $metadata: { httpStatusCode: 400, attempts: 1 },
    });
    expect(readAwsFailure(error)).toEqual({ name: 'Throttling', message: 'Rate exceeded', httpStatus: 400 });
  });

  test('the status of an answer that could not be read', () => {
    const error = Object.assign(new Error('parse error'), { $response: { statusCode: 407 } });
    expect(readAwsFailure(error)).toEqual({ name: 'Error', message: 'parse error', httpStatus: 407 });
  });

  test('what several attempts to connect ended with', () => {
    const attempt = Object.assign(new Error('connect ECONNREFUSED ::1:1'), { code: 'ECONNREFUSED' });
    expect(readAwsFailure(new AggregateError([attempt, attempt]))).toEqual({
      name: 'AggregateError',
      message: 'connect ECONNREFUSED ::1:1',
      networkCode: 'ECONNREFUSED',
    });
  });

  test('the code of a cause', () => {
    const cause = Object.assign(new Error('getaddrinfo ENOTFOUND x'), { code: 'ENOTFOUND' });
    expect(readAwsFailure(new Error('fetch failed', { cause }))).toEqual({
      name: 'Error',
      message: 'fetch failed',
      networkCode: 'ENOTFOUND',
    });
  });
});

test('takes anything, endless and hostile chains included', () => {
  const endless: { name: string; cause?: unknown } = { name: 'Endless' };
  endless.cause = endless;
  expect(readAwsFailure(endless)).toEqual({ name: 'Endless', message: '' });
  const trap = new Proxy(
    {},
    {
      get() {
        throw new Error('trap');
      },
    },
  );
  expect(readAwsFailure(trap)).toEqual({ name: 'Error', message: '' });
  fc.assert(
    fc.property(fc.anything(), (thrown) => {
      const { name, message } = readAwsFailure(thrown);
      expect([typeof name, typeof message]).toEqual(['string', 'string']);
    }),
  );
});
