import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText } from './clean-text.ts';

test('is what the contract takes, whatever it is made of', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.integer({ min: 1, max: 40 }),
      (text, limit) => {
        const clean = cleanText(text, limit);
        expect(Array.from(clean).length).toBeLessThanOrEqual(limit);
        expect(clean.isWellFormed()).toBe(true);
        expect(clean).not.toContain('\0');
        const whole = text.toWellFormed().replaceAll('\0', '');
        if (Array.from(whole).length <= limit) expect(clean).toBe(whole);
        else expect(clean.endsWith('…') && whole.startsWith(clean.slice(0, -1))).toBe(true);
      },
    ),
  );
});
