import fc from 'fast-check';
import { expect, test } from 'vitest';
import { holdState, type Phase, type RunnerState, transitions } from './runner-state.ts';

const samples: Readonly<Record<Phase, RunnerState>> = {
  starting: { phase: 'starting' },
  waiting: { phase: 'waiting', failures: 1, delayMs: 5 },
  enrolling: { phase: 'enrolling' },
  recovering: { phase: 'recovering' },
  dialling: { phase: 'dialling', address: 'a:1' },
  greeting: { phase: 'greeting', address: 'a:1' },
  open: { phase: 'open', sessionUid: 's', gatewayUid: 'g' },
  draining: { phase: 'draining', why: 'gateway' },
  ended: { phase: 'ended' },
};
const phase = fc.constantFrom(...(Object.keys(transitions) as Phase[]));

test('moves along the transitions alone, and stays where it was otherwise', () => {
  fc.assert(
    fc.property(fc.array(phase), (path) => {
      const seen: Phase[] = [];
      const state = holdState((next) => seen.push(next.phase));
      for (const next of path) {
        const before = state.current();
        if (transitions[before.phase].includes(next)) {
          state.enter(samples[next]);
          expect(state.current()).toBe(samples[next]);
          expect(seen.at(-1)).toBe(next);
        } else {
          expect(() => state.enter(samples[next])).toThrow(`from ${before.phase} to ${next}`);
          expect(state.current()).toBe(before);
        }
      }
    }),
  );
});

test('from every phase there is a way to the end, and none from it', () => {
  for (const phases of Object.entries(transitions)) {
    const [name, following] = phases;
    if (name === 'ended') expect(following).toEqual([]);
    else expect(following).toContain('ended');
  }
});
