import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AccessToken } from '../authentication/access-token.ts';
import { createLimits } from './limits.ts';

const token = (key: string, org?: string, kind: 'user' | 'service' = 'user'): AccessToken => ({
  token: '',
  subject: { kind, uid: 'subject', name: 'Ada', instanceOwner: false, apiKeyUid: key },
  ...(org && { membership: { organization: { uid: org, slug: org }, role: 'viewer', environments: 'all' } }),
  issueTime: 0,
  expireTime: 0,
});

const refusalsOf = async (tries: number, attempt: () => Promise<void>) => {
  const results = await Promise.allSettled(Array.from({ length: tries }, attempt));
  return results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
};

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('requests', () => {
  test('of a key are taken ten seconds of them at once, and then again when the ten seconds are over', async () => {
    const { requests } = createLimits({ perKey: 2, perOrganization: 0, perAddress: 0 });
    const [first, ...others] = await refusalsOf(23, () => requests.countCaller(token('a')));
    expect(others).toHaveLength(2);
    expect(first).toMatchObject({
      kind: 'quota',
      reason: 'RATE_LIMITED',
      metadata: { scope: 'key', requests_per_second: '2' },
    });
    expect(first.retryAfterMs).toBeGreaterThan(0);
    expect(first.retryAfterMs).toBeLessThanOrEqual(10_000);
    await requests.countCaller(token('b'));
    await vi.advanceTimersByTimeAsync(first.retryAfterMs);
    expect(await refusalsOf(21, () => requests.countCaller(token('a')))).toHaveLength(1);
  });

  test('of an organisation are counted over its keys, and a key that has had its share takes nothing more of it', async () => {
    const { requests } = createLimits({ perKey: 1, perOrganization: 2, perAddress: 0 });
    expect(await refusalsOf(100, () => requests.countCaller(token('a', 'acme')))).toHaveLength(90);
    expect(await refusalsOf(10, () => requests.countCaller(token('b', 'acme')))).toEqual([]);
    const [refused] = await refusalsOf(1, () => requests.countCaller(token('c', 'acme')));
    expect(refused).toMatchObject({ metadata: { scope: 'organization' } });
    expect(await refusalsOf(10, () => requests.countCaller(token('d', 'other')))).toEqual([]);
  });

  test('of services of the platform, and without a limit, are not counted', async () => {
    const limited = createLimits({ perKey: 1, perOrganization: 1, perAddress: 1 });
    const service = token('a', 'acme', 'service');
    expect(await refusalsOf(100, () => limited.requests.countCaller(service))).toEqual([]);
    const { requests } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 0 });
    expect(await refusalsOf(1000, () => requests.countCaller(token('a', 'acme')))).toEqual([]);
    expect(await refusalsOf(1000, () => requests.countStranger('192.0.2.1'))).toEqual([]);
  });

  test('of strangers are counted by the network that they come from', async () => {
    const { requests } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 1 });
    let last = 0;
    const anywhere = () => requests.countStranger(`2001:db8::${(last++).toString(16)}`);
    expect(await refusalsOf(15, anywhere)).toHaveLength(5);
    await requests.countStranger('2001:db8:0:1::1');
  });
});

describe('streams', () => {
  test('are held until they end, so many by a key', () => {
    const { streams } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 0 });
    const open = () => {
      const ending = new AbortController();
      streams.holdForCaller(token('a'), ending.signal);
      return ending;
    };
    const held = Array.from({ length: 200 }, open);
    expect(open).toThrow(/200 streams/);
    streams.holdForCaller(token('b'), new AbortController().signal);
    held[7]?.abort();
    held[7]?.abort();
    open();
    expect(open).toThrow(/200 streams/);
    for (const each of held) each.abort();
    expect(Array.from({ length: 199 }, open)).toHaveLength(199);
    expect(open).toThrow(/200 streams/);
  });

  test('that have ended before they began are not held', () => {
    const { streams } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 0 });
    for (let i = 0; i < 300; i++) streams.holdForCaller(token('a'), AbortSignal.abort());
  });

  test('of strangers are counted by address', () => {
    const { streams } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 0 });
    const { signal } = new AbortController();
    const open = (address: string) => streams.holdForStranger(address, signal);
    for (let i = 0; i < 20; i++) open('192.0.2.1');
    expect(() => open('192.0.2.1')).toThrow(/20 streams/);
    open('192.0.2.2');
    for (let i = 0; i < 100; i++) open('');
  });
});

describe('failures', () => {
  test('pause an address for a minute after thirty within one', async () => {
    const { failures } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 0 });
    for (let i = 0; i < 30; i++) await failures.count('192.0.2.1');
    await failures.refusePaused('192.0.2.1');
    await failures.count('192.0.2.1');
    const [refused] = await refusalsOf(1, () => failures.refusePaused('192.0.2.1'));
    expect(refused).toMatchObject({ kind: 'quota', reason: 'TOO_MANY_FAILURES' });
    expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
    await failures.refusePaused('192.0.2.2');
    await vi.advanceTimersByTimeAsync(60_000);
    await failures.refusePaused('192.0.2.1');
  });

  test('that are far between never add up, and those of nowhere are nobody’s', async () => {
    const { failures } = createLimits({ perKey: 0, perOrganization: 0, perAddress: 0 });
    for (let i = 0; i < 200; i++) {
      await failures.count('192.0.2.1');
      await vi.advanceTimersByTimeAsync(3_000);
      await failures.count('');
    }
    await failures.refusePaused('192.0.2.1');
    await failures.refusePaused('');
  });
});
