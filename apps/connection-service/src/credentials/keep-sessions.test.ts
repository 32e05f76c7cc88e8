import { create } from '@bufbuild/protobuf';
import { AwsCredentialsSchema } from '@planton/api/connect/v1/resolution';
import { denied, quota, unavailable } from '@planton/rpc';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { OpenedSession } from '../providers/provider.ts';
import { keepSessions, type TakenSession } from './keep-sessions.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

afterEach(() => {
  vi.restoreAllMocks();
});

/** A keeper with a clock of its own and sessions that are numbered. */
function useKeeper({ capacity, lifeMs = HOUR }: { capacity?: number; lifeMs?: number } = {}) {
  let clock = Date.UTC(2030, 0, 1);
  let opened = 0;
  const keeper = keepSessions({ now: () => new Date(clock), ...(capacity && { capacity }) });
  const session = (name: string): OpenedSession => ({
    credentials: { case: 'aws', value: create(AwsCredentialsSchema, { sessionToken: name }) },
    expireTime: new Date(clock + lifeMs),
    details: { session_arn: name },
  });
  const open = async () => {
    opened += 1;
    return session(`session ${opened}`);
  };
  return {
    keeper,
    session,
    open,
    opened: () => opened,
    now: () => clock,
    pass: (ms: number) => {
      clock += ms;
    },
    take: (key: string) => keeper.take(key, open),
  };
}

function tokenOf({ credentials }: TakenSession): string {
  return credentials.case === 'aws' ? credentials.value.sessionToken : expect.unreachable();
}

const gone = unavailable('AWAY', 'nobody answers');
const refuse = (error: Error) => () => Promise.reject(error);

describe('keeping sessions', () => {
  test('one that is kept is handed out unchanged, and said to be', async () => {
    const { take, opened } = useKeeper();
    const first = await take('a');
    expect(first).toMatchObject({ cached: false, waited: true, renewalFailed: undefined });
    const second = await take('a');
    expect(second).toMatchObject({ cached: true, waited: false, details: { session_arn: 'session 1' } });
    expect(second.credentials).toEqual(first.credentials);
    expect(second.expireTime).toEqual(first.expireTime);
    expect(tokenOf(await take('b'))).toBe('session 2');
    expect(opened()).toBe(2);
  });

  test('a thousand who ask at once open one', async () => {
    const { keeper, session } = useKeeper();
    const gate = Promise.withResolvers<void>();
    let opened = 0;
    const open = async () => {
      opened += 1;
      await gate.promise;
      return session('the one');
    };
    const asked = Array.from({ length: 1_000 }, () => keeper.take('a', open));
    gate.resolve();
    const taken = await Promise.all(asked);
    expect(opened).toBe(1);
    expect(new Set(taken.map(tokenOf))).toEqual(new Set(['the one']));
    expect(taken.filter(({ cached }) => !cached)).toHaveLength(1);
    expect(taken.every(({ waited }) => waited)).toBe(true);
  });

  test.each([
    [15 * MINUTE, 5 * MINUTE],
    [HOUR, 20 * MINUTE],
    [12 * HOUR, 20 * MINUTE],
  ])('of %i ms is renewed when %i ms are left', async (lifeMs, renewMs) => {
    const { take, pass } = useKeeper({ lifeMs });
    await take('a');
    pass(lifeMs - renewMs - 1);
    expect(tokenOf(await take('a'))).toBe('session 1');
    pass(1);
    expect(await take('a')).toMatchObject({ cached: false, details: { session_arn: 'session 2' } });
  });

  test('a failure reaches all who wait, and is not kept', async () => {
    const { keeper, take } = useKeeper();
    let opened = 0;
    const fail = () => {
      opened += 1;
      return Promise.reject(gone);
    };
    const ends = await Promise.allSettled([1, 2, 3].map(() => keeper.take('a', fail)));
    expect(ends).toEqual([1, 2, 3].map(() => ({ status: 'rejected', reason: gone })));
    expect(opened).toBe(1);
    expect(keeper.size()).toBe(0);
    expect(tokenOf(await take('a'))).toBe('session 1');
  });

  test('a renewal that fails in passing leaves the old one for as long as it has five minutes', async () => {
    const { keeper, take, pass } = useKeeper();
    await take('a');
    pass(45 * MINUTE);
    for (const error of [gone, quota('TOO_MANY', 'slow down')]) {
      const old = await keeper.take('a', refuse(error));
      expect(old).toMatchObject({ cached: true, waited: true, renewalFailed: error.reason });
      expect(tokenOf(old)).toBe('session 1');
    }
    pass(10 * MINUTE - 1);
    expect(tokenOf(await keeper.take('a', refuse(gone)))).toBe('session 1');
    pass(1);
    await expect(keeper.take('a', refuse(gone))).rejects.toBe(gone);
  });

  test('a renewal that is refused ends the old one', async () => {
    const { keeper, take, pass } = useKeeper();
    for (const no of [denied('NO', 'no'), new Error('a fault')]) {
      await take('a');
      pass(45 * MINUTE);
      await expect(keeper.take('a', refuse(no))).rejects.toBe(no);
      expect(keeper.size()).toBe(0);
      await expect(keeper.take('a', refuse(gone))).rejects.toBe(gone);
    }
  });

  test('as many as there is room for, those first that were asked for last', async () => {
    const { keeper, take } = useKeeper({ capacity: 2 });
    await take('a');
    await take('b');
    await take('a');
    await take('c');
    expect(keeper.size()).toBe(2);
    expect(tokenOf(await take('a'))).toBe('session 1');
    expect(tokenOf(await take('c'))).toBe('session 3');
    expect(tokenOf(await take('b'))).toBe('session 4');
  });

  test('what is forgotten is overwritten, and what was handed out is not', async () => {
    const { keeper, take, pass } = useKeeper({ capacity: 2 });
    const overwritten: number[] = [];
    const fill = Uint8Array.prototype.fill;
    vi.spyOn(Uint8Array.prototype, 'fill').mockImplementation(function (this: Uint8Array, ...given) {
      if (Buffer.from(this).includes('session')) overwritten.push(this.length);
      return fill.apply(this, given);
    });
    const taken = [await take('a'), await take('b'), await take('c')];
    expect(overwritten).toHaveLength(1);
    pass(2 * HOUR);
    await take('d');
    expect(overwritten).toHaveLength(3);
    expect(keeper.size()).toBe(1);
    keeper.clear();
    expect(overwritten).toHaveLength(4);
    expect(keeper.size()).toBe(0);
    expect(taken.map(tokenOf)).toEqual(['session 1', 'session 2', 'session 3']);
  });

  test('whatever is asked when, nothing is handed out too late, or under another key', async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c'),
      passMs: fc.integer({ min: 0, max: 40 * MINUTE }),
      fails: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 40 }),
        fc.integer({ min: 15, max: 720 }),
        async (steps, lifeMinutes) => {
          const lifeMs = lifeMinutes * MINUTE;
          const { keeper, session, pass, now } = useKeeper({ capacity: 2, lifeMs });
          for (const { key, passMs, fails } of steps) {
            pass(passMs);
            const open = async () => (fails ? Promise.reject(gone) : session(key));
            const taken = await keeper.take(key, open).catch((error: unknown) => error);
            expect(keeper.size()).toBeLessThanOrEqual(2);
            if (taken === gone) {
              expect(fails).toBe(true);
              continue;
            }
            const { cached, renewalFailed, ...rest } = taken as TakenSession;
            const leftMs = rest.expireTime.getTime() - now();
            expect(rest.details).toEqual({ session_arn: key });
            expect(renewalFailed === undefined || fails).toBe(true);
            const leastMs = renewalFailed === undefined ? Math.min(20 * MINUTE, lifeMs / 3) : 5 * MINUTE;
            if (cached) expect(leftMs).toBeGreaterThan(leastMs);
          }
        },
      ),
    );
  });
});
