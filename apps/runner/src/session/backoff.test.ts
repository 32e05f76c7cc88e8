import fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoff } from './backoff.ts';

const limits = fc.record({
  baseMs: fc.integer({ min: 1, max: 10_000 }),
  capMs: fc.integer({ min: 1, max: 600_000 }),
});
const failures = fc.nat({ max: 10_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('is never below nothing, never at the cap, and finite for any number of failures', () => {
  fc.assert(
    fc.property(failures, random, limits, (count, chance, given) => {
      const ms = backoff(count, chance, given);
      expect(ms).toBeGreaterThanOrEqual(0);
      expect(ms).toBeLessThan(given.capMs);
      expect(ms).toBeLessThan(given.baseMs * 2 ** Math.min(count, 40));
    }),
  );
});

test('more failures never wait less, for the same chance', () => {
  fc.assert(
    fc.property(failures, random, limits, (count, chance, given) => {
      expect(backoff(count + 1, chance, given)).toBeGreaterThanOrEqual(backoff(count, chance, given));
    }),
  );
});

test('uses the whole span: full jitter', () => {
  fc.assert(
    fc.property(failures, limits, (count, given) => {
      const span = Math.min(given.capMs, given.baseMs * 2 ** Math.min(count, 30));
      expect(backoff(count, 0, given)).toBe(0);
      expect(backoff(count, 0.5, given)).toBeCloseTo(span / 2);
      expect(backoff(count, 1 - 2 ** -53, given)).toBeCloseTo(span);
    }),
  );
});
