import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultPace, pauseAfterFailure, pauseAfterResult, pauseBeforeSecondLook } from './pace.ts';

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test('six hours, a fifth more or less', () => {
  fc.assert(
    fc.property(random, (value) => {
      const hours = pauseAfterResult(defaultPace, value) / 3_600;
      expect(hours).toBeGreaterThanOrEqual(4.8);
      expect(hours).toBeLessThanOrEqual(7.2);
    }),
  );
});

test('the jitter is spread over the whole range', () => {
  const { everySeconds } = defaultPace;
  expect(pauseAfterResult(defaultPace, 0)).toBeCloseTo(0.8 * everySeconds);
  expect(pauseAfterResult(defaultPace, 0.5)).toBeCloseTo(everySeconds);
});

test('attempts come ever later, from a minute on, and never later than a result would', () => {
  fc.assert(
    fc.property(fc.nat(2_000_000_000), random, (attempts, value) => {
      const pause = pauseAfterFailure(defaultPace, attempts, value);
      expect(pause).toBeGreaterThanOrEqual(48);
      expect(pause).toBeLessThanOrEqual(pauseAfterResult(defaultPace, value));
      expect(pauseAfterFailure(defaultPace, attempts + 1, value)).toBeGreaterThanOrEqual(pause);
    }),
  );
});

test('a second look comes after a minute, and within a minute and a half', () => {
  fc.assert(
    fc.property(random, (value) => {
      const pause = pauseBeforeSecondLook(value);
      expect(pause).toBeGreaterThanOrEqual(60);
      expect(pause).toBeLessThanOrEqual(90);
    }),
  );
});

test('a short interval bounds the pauses too', () => {
  expect(pauseAfterFailure({ ...defaultPace, everySeconds: 2 }, 0, 0.5)).toBe(2);
});
