import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Abilities, type AttemptEnd, chooseNext, type History, noHistory } from './choose-next.ts';

const able: Abilities = { canRecover: true, canEnrol: true, settledMs: 30_000 };
const named = { ...able, canEnrol: false };
const ephemeral = { ...able, canRecover: false };
const goodbye = (reason: keyof typeof GatewayGoodbyeReason, lastedMs?: number): AttemptEnd => ({
  kind: 'goodbye',
  reason: GatewayGoodbyeReason[reason],
  lastedMs,
});

const ends: fc.Arbitrary<AttemptEnd> = fc.oneof(
  fc.constantFrom<AttemptEnd>(
    { kind: 'unreachable' },
    { kind: 'untrusted' },
    { kind: 'unwelcome' },
    { kind: 'ignored' },
    { kind: 'refused' },
    { kind: 'left' },
    { kind: 'renewed' },
    { kind: 'disowned' },
    { kind: 'barred' },
    { kind: 'unanswered' },
  ),
  fc.nat().map((lastedMs) => ({ kind: 'lost' as const, lastedMs })),
  fc
    .tuple(fc.constantFrom(...Object.values(GatewayGoodbyeReason)), fc.option(fc.nat(), { nil: undefined }))
    .map(([reason, lastedMs]) => ({ kind: 'goodbye' as const, reason, lastedMs })),
);
const abilities: fc.Arbitrary<Abilities> = fc.record({
  canRecover: fc.boolean(),
  canEnrol: fc.boolean(),
  settledMs: fc.constant(30_000),
});

/** Follows the same end again and again. */
function repeat(end: AttemptEnd, times: number, given: Abilities, start: History = noHistory) {
  let history = start;
  return Array.from({ length: times }, () => {
    const next = chooseNext(end, history, given);
    history = next.history;
    return next.do;
  });
}

test('never asks for what the runner cannot do, and counts nothing below zero', () => {
  fc.assert(
    fc.property(fc.array(ends, { maxLength: 60 }), abilities, (path, given) => {
      let history = noHistory;
      for (const end of path) {
        // What was not tried does not end.
        if (end.kind === 'disowned' && !given.canRecover) continue;
        if ((end.kind === 'barred' || end.kind === 'unanswered') && !given.canEnrol) continue;
        const next = chooseNext(end, history, given);
        if (next.do === 'recover') expect(given.canRecover).toBe(true);
        if (next.do === 'enrol') expect(given.canEnrol).toBe(true);
        expect(next.history.failures).toBeGreaterThanOrEqual(0);
        history = next.history;
        if (next.do === 'end') return;
      }
    }),
  );
});

test('ends for a refusal alone: no failure of a network, however often, ends a runner', () => {
  const harmless = ends.filter(
    (end) =>
      !['disowned', 'barred'].includes(end.kind) &&
      !(
        end.kind === 'goodbye' &&
        [GatewayGoodbyeReason.REVOKED, GatewayGoodbyeReason.LOCKED, GatewayGoodbyeReason.SUPERSEDED].some(
          (reason) => reason === end.reason,
        )
      ),
  );
  fc.assert(
    fc.property(fc.array(harmless, { maxLength: 100 }), abilities, (path, given) => {
      let history = noHistory;
      for (const end of path) {
        const next = chooseNext(end, history, given);
        expect(next.do).not.toBe('end');
        history = next.history;
      }
    }),
  );
});

describe('failures', () => {
  test('add up, and are forgotten after a session that lasted', () => {
    let { history } = chooseNext({ kind: 'unreachable' }, noHistory, able);
    ({ history } = chooseNext({ kind: 'unreachable' }, history, able));
    expect(history.failures).toBe(2);
    expect(chooseNext({ kind: 'lost', lastedMs: 29_999 }, history, able).history.failures).toBe(3);
    expect(chooseNext({ kind: 'lost', lastedMs: 30_000 }, history, able).history.failures).toBe(0);
    expect(chooseNext({ kind: 'left' }, history, able).history.failures).toBe(0);
  });

  test('of a gateway with too many sessions count for several', () => {
    expect(chooseNext(goodbye('TOO_MANY_SESSIONS'), noHistory, able)).toMatchObject({
      do: 'connect',
      history: { failures: 5 },
    });
  });

  test.each(['SHUTDOWN', 'UNAVAILABLE', 'PROTOCOL', 'IDLE', 'UNSPECIFIED'] as const)(
    '%s is one',
    (reason) => {
      expect(chooseNext(goodbye(reason), noHistory, able)).toMatchObject({
        do: 'connect',
        history: { failures: 1 },
      });
    },
  );
});

describe('a certificate that is not taken', () => {
  test('is replaced at once where the gateway says so, and more and more seldom', () => {
    const steps = repeat({ kind: 'refused' }, 200, able);
    const recoveries = steps.flatMap((step, index) => (step === 'recover' ? [index] : []));
    expect(recoveries.slice(0, 5)).toEqual([0, 2, 6, 14, 30]);
    expect(recoveries.length).toBeLessThan(10);
  });

  test('is replaced after some connections that the gateway ended without a word', () => {
    const steps = repeat({ kind: 'unwelcome' }, 12, able);
    expect(steps.flatMap((step, index) => (step === 'recover' ? [index] : []))).toEqual([3, 11]);
  });

  test('is not suspected where the gateway has no time for a hello', () => {
    expect(new Set(repeat({ kind: 'ignored' }, 100, able))).toEqual(new Set(['connect']));
  });

  test('makes a new instance where there is no API to ask', () => {
    expect(repeat({ kind: 'untrusted' }, 1, ephemeral)).toEqual(['enrol']);
    expect(repeat({ kind: 'untrusted' }, 3, { ...ephemeral, canEnrol: false })).toEqual([
      'connect',
      'connect',
      'connect',
    ]);
  });
});

describe('an instance that is not wanted any more', () => {
  test.each([goodbye('REVOKED', 5), goodbye('LOCKED')])('%o', (end) => {
    expect(chooseNext(end, noHistory, named)).toMatchObject({ do: 'end', why: 'disowned' });
    expect(chooseNext(end, noHistory, able)).toMatchObject({ do: 'enrol' });
  });

  test('is told three times by the API, before it counts', () => {
    expect(repeat({ kind: 'disowned' }, 3, named)).toEqual(['recover', 'recover', 'end']);
    expect(repeat({ kind: 'disowned' }, 3, able)).toEqual(['recover', 'recover', 'enrol']);
    let { history } = chooseNext({ kind: 'disowned' }, noHistory, named);
    ({ history } = chooseNext({ kind: 'renewed' }, history, named));
    expect(repeat({ kind: 'disowned' }, 2, named, history)).toEqual(['recover', 'recover']);
  });

  test('is not replaced against the platform’s will, and not given up while it does not answer', () => {
    expect(chooseNext({ kind: 'barred' }, noHistory, able)).toMatchObject({ do: 'end', why: 'disowned' });
    expect(repeat({ kind: 'unanswered' }, 3, able)).toEqual(['enrol', 'enrol', 'enrol']);
  });
});

describe('another session of the instance', () => {
  test('is another process', () => {
    expect(chooseNext(goodbye('SUPERSEDED', 100_000), noHistory, able)).toMatchObject({
      do: 'end',
      why: 'superseded',
    });
  });

  test.each(['unwelcome', 'ignored'] as const)(
    'may be a hello of our own that came late (%s); once',
    (kind) => {
      const { history } = chooseNext({ kind }, noHistory, able);
      const next = chooseNext(goodbye('SUPERSEDED', 5), history, able);
      expect(next.do).toBe('connect');
      expect(chooseNext(goodbye('SUPERSEDED', 5), next.history, able)).toMatchObject({ do: 'end' });
    },
  );

  test('a hello of long ago is none of ours', () => {
    let { history } = chooseNext({ kind: 'unwelcome' }, noHistory, able);
    ({ history } = chooseNext({ kind: 'lost', lastedMs: 60_000 }, history, able));
    expect(chooseNext(goodbye('SUPERSEDED', 5), history, able)).toMatchObject({ do: 'end' });
  });
});
