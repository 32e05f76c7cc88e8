import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renewalDelay } from './renewal-delay.ts';

const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const jitter = fc.integer({ min: 0, max: 3_600_000 });

test('is not before it is due, and well before the certificate ends', () => {
  fc.assert(
    fc.property(time, time, time, random, jitter, (renewAfterMs, expireMs, nowMs, chance, jitterMs) => {
      const delay = renewalDelay({ renewAfterMs, expireMs, nowMs }, chance, jitterMs);
      const at = nowMs + delay;
      const start = Math.max(renewAfterMs, nowMs);
      expect(delay).toBeGreaterThanOrEqual(0);
      expect(at).toBeGreaterThanOrEqual(start - 1);
      expect(at).toBeLessThanOrEqual(start + jitterMs + 1);
      if (expireMs > start) expect(at).toBeLessThanOrEqual(start + (expireMs - start) / 10 + 1);
      else expect(at).toBeLessThanOrEqual(start + 1);
    }),
  );
});
