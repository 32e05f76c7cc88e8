import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Logger } from '../logging/logger.ts';
import { followRevocations, type RevocationSnapshot } from './revocations.ts';

const silent: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function follow(read: () => Promise<RevocationSnapshot>) {
  return followRevocations({ read, now: () => Date.now(), logger: silent });
}

describe('the feed of revocations', () => {
  test('is not fresh before it was read, nor ten seconds after', async () => {
    const revocations = follow(async () => new Map());
    expect(revocations.isFresh()).toBe(false);
    await revocations.refresh();
    vi.advanceTimersByTime(10_000);
    expect(revocations.isFresh()).toBe(true);
    vi.advanceTimersByTime(1);
    expect(revocations.isFresh()).toBe(false);
  });

  test('the age counts from when the question was asked', async () => {
    const revocations = follow(async () => {
      vi.advanceTimersByTime(9_000);
      return new Map();
    });
    await revocations.refresh();
    vi.advanceTimersByTime(1_001);
    expect(revocations.isFresh()).toBe(false);
  });

  test('a revocation arrives within a second, and concerns what was issued before it', async () => {
    const snapshot = new Map<string, number>();
    const revocations = follow(async () => new Map(snapshot));
    revocations.start();
    await vi.advanceTimersByTimeAsync(5);
    snapshot.set('u1', 1_000);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(revocations.isRevoked('u1', 999)).toBe(true);
    expect(revocations.isRevoked('u1', 1_000)).toBe(false);
    expect(revocations.isRevoked('u2', 0)).toBe(false);
    await revocations.stop();
  });

  test('goes on after failures, and forgets nothing meanwhile', async () => {
    let failing = false;
    const revocations = follow(async () => {
      if (failing) throw new Error('down');
      return new Map([['u1', 5]]);
    });
    revocations.start();
    await vi.advanceTimersByTimeAsync(10);
    failing = true;
    await vi.advanceTimersByTimeAsync(11_000);
    expect(revocations.isFresh()).toBe(false);
    expect(revocations.isRevoked('u1', 4)).toBe(true);
    failing = false;
    await vi.advanceTimersByTimeAsync(1_000);
    expect(revocations.isFresh()).toBe(true);
    await revocations.stop();
  });

  test('tells listeners of changes alone', async () => {
    let snapshot = new Map<string, number>();
    const revocations = follow(async () => snapshot);
    const seen = vi.fn();
    revocations.onChange(seen);
    await revocations.refresh();
    snapshot = new Map([['u1', 5]]);
    await revocations.refresh();
    await revocations.refresh();
    expect(seen).toHaveBeenCalledTimes(1);
  });
});
