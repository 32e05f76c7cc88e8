import { describe, expect, test } from 'vitest';
import { isUpdating, loadCases, readExpected, writeExpected } from './load-cases.ts';
import { resolveConnection } from './resolve-connection.ts';

const cases = loadCases();
const updating = isUpdating(process.env);

describe('golden cases', () => {
  test.each(cases)('$name', ({ name, request, snapshot }) => {
    const result = resolveConnection(request, snapshot);
    if (updating) writeExpected(name, result);
    expect(result).toStrictEqual(readExpected(name));
  });

  test('are as many as were written', () => {
    expect(cases.length).toBeGreaterThanOrEqual(45);
  });

  test('cannot be rewritten in CI', () => {
    expect(() => isUpdating({ UPDATE_GOLDEN: '1', CI: 'true' })).toThrow('must not be set in CI');
    expect(isUpdating({ UPDATE_GOLDEN: '1' })).toBe(true);
    expect(isUpdating({ CI: 'true' })).toBe(false);
  });
});

test('the result carries the very connection that the store read, extra fields and all', () => {
  const connection = {
    uid: 'con-1',
    slug: 'a',
    name: 'A',
    provider: 'aws',
    kind: 'AwsProviderConnection',
    etag: 7,
  };
  const resolution = resolveConnection(
    { organization: 'acme', connection: 'a' },
    {
      explicit: { connection, authorization: null },
      environmentDefault: null,
      organizationDefault: null,
      requireAuthorization: false,
    },
  );
  expect(resolution.ok && resolution.connection).toBe(connection);
});
