import { create } from '@bufbuild/protobuf';
import { durationFromMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, createClient, createRouterTransport } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { describe, expect, test } from 'vitest';
import { waitWhenTold } from './wait-when-told.ts';

function refusal(retryAfterMs: number | undefined, reason = 'RATE_LIMITED', code = Code.ResourceExhausted) {
  const info = create(ErrorInfoSchema, {
    reason,
    ...(retryAfterMs !== undefined && { retryAfter: durationFromMs(retryAfterMs) }),
  });
  return new ConnectError('no', code, undefined, [{ desc: ErrorInfoSchema, value: info }]);
}

/** A server that refuses so many times, and a client that notes its pauses instead of making them. */
function start(refusals: readonly ConnectError[], whilePausing = () => {}) {
  const pauses: number[] = [];
  let calls = 0;
  const pause = async (milliseconds: number) => {
    pauses.push(milliseconds);
    whilePausing();
  };
  const transport = createRouterTransport(
    (router) =>
      router.service(Identity, {
        whoAmI: () => {
          const refused = refusals[calls++];
          if (refused) throw refused;
          return { name: 'Ada' };
        },
      }),
    { transport: { interceptors: [waitWhenTold(pause)] } },
  );
  return { client: createClient(Identity, transport), pauses, calls: () => calls };
}

describe('a call that came too often', () => {
  test('is sent again after the pauses that it is told', async () => {
    const { client, pauses } = start([refusal(1200), refusal(10_000)]);
    expect((await client.whoAmI({})).name).toBe('Ada');
    expect(pauses).toEqual([1200, 10_000]);
  });

  test('is given up after three more', async () => {
    const { client, calls } = start(Array.from({ length: 9 }, () => refusal(1)));
    await expect(client.whoAmI({})).rejects.toThrow('no');
    expect(calls()).toBe(4);
  });

  test('is not sent again once its caller is gone', async () => {
    const leaving = new AbortController();
    const { client, calls } = start([refusal(1)], () => leaving.abort());
    await expect(client.whoAmI({}, { signal: leaving.signal })).rejects.toThrow();
    expect(calls()).toBe(1);
  });
});

test.each([
  ['a pause that is too long', refusal(10_001)],
  ['no pause', refusal(undefined)],
  ['a ceiling that waiting does not lift', refusal(1, 'SECRET_LIMIT')],
  ['wrong credentials', refusal(1, 'TOO_MANY_FAILURES')],
  ['a server that is not there', refusal(1, 'RATE_LIMITED', Code.Unavailable)],
])('%s is told at once', async (_name, error) => {
  const { client, calls } = start([error]);
  await expect(client.whoAmI({})).rejects.toThrow('no');
  expect(calls()).toBe(1);
});
