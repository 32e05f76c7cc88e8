import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideNext, type Observation, type Progress } from './decide-next.ts';
import { defaultSetupPace as pace } from './pace.ts';

const NOW = new Date('2026-03-01T12:00:00Z');
const ago = (seconds: number) => new Date(NOW.getTime() - seconds * 1_000);

const fresh: Progress = {
  now: NOW,
  attempts: 1,
  withoutStack: false,
  callsBack: true,
  externalIdEdited: false,
  claimTime: null,
  claimsAgreedRole: true,
  workedTime: null,
  refusedTime: null,
  insecureTime: null,
};
const refused: Observation = { kind: 'refused', message: 'AccessDenied', causes: [] };
const unknown: Observation = { kind: 'unknown', message: 'throttled', causes: [] };
const admitted = (
  externalId: Extract<Observation, { kind: 'admitted' }>['externalId'],
  status = 'CREATE_COMPLETE',
): Observation => ({
  kind: 'admitted',
  externalId,
  stack: { id: 'arn', status, reason: 'because' },
  stackObservation: '',
  message: 'observed',
  causes: [],
});
const unreadable: Observation = {
  kind: 'admitted',
  externalId: 'not_probed',
  stack: undefined,
  stackObservation: 'AccessDenied',
  message: '',
  causes: [],
};
const decide = (progress: Partial<Progress>, observation: Observation) =>
  decideNext({ ...fresh, ...progress }, observation, pace);

describe('a role that refuses the platform', () => {
  test('is not there yet: which of the two is waited for depends on whether the stack calls back', () => {
    expect(decide({}, refused)).toMatchObject({ kind: 'wait', state: 'pending', wait: 'callback' });
    expect(decide({ callsBack: false }, refused)).toMatchObject({ state: 'pending', wait: 'role' });
  });

  test('is tried every 20 to 60 seconds', () => {
    const pauses = [1, 2, 3, 4, 9, 1_000].map((attempts) => decide({ attempts }, refused));
    expect(pauses.map((next) => next.kind === 'wait' && Math.round(next.pauseSeconds))).toEqual([
      20, 30, 45, 60, 60, 60,
    ]);
  });

  test('propagates after the callback, and has failed when it still refuses long after', () => {
    expect(decide({ claimTime: ago(5) }, refused)).toMatchObject({
      kind: 'wait',
      state: 'verifying',
      wait: 'propagation',
      pauseSeconds: 2,
    });
    expect(decide({ claimTime: ago(pace.refusedFor - 1) }, refused)).toMatchObject({ kind: 'wait' });
    const causes = ['PROPAGATING', 'TRUST_POLICY'].map((code) => ({ code, message: '', hint: '' }));
    const denied: Observation = { ...refused, causes };
    expect(decide({ claimTime: ago(5) }, denied)).toMatchObject({ causes });
    expect(decide({ claimTime: ago(pace.refusedFor) }, denied)).toMatchObject({
      kind: 'fail',
      causes: causes.slice(1),
    });
  });

  test('goes on being tried where the callback named another role, which may be false', () => {
    const claimed = { claimTime: ago(pace.refusedFor), claimsAgreedRole: false };
    expect(decide(claimed, refused)).toMatchObject({ kind: 'wait', state: 'verifying' });
  });

  test('says so where the stack was made with another external ID', () => {
    const next = decide({ externalIdEdited: true }, refused);
    expect(next).toMatchObject({ kind: 'wait', state: 'pending', causes: [{ code: 'EXTERNAL_ID' }] });
  });

  test('and let it in before is gone, once it has refused for long enough', () => {
    const worked = { workedTime: ago(400) };
    expect(decide(worked, refused)).toMatchObject({ kind: 'wait', marks: { refused: 'set' } });
    expect(decide({ ...worked, refusedTime: ago(pace.goneAfter - 1) }, refused)).toMatchObject({
      kind: 'wait',
    });
    expect(decide({ ...worked, refusedTime: ago(pace.goneAfter) }, refused)).toMatchObject({
      kind: 'fail',
      causes: [{ code: 'ROLE_GONE' }],
    });
  });
});

describe('a role that lets the platform in', () => {
  test('is probed once its stack is complete, and not before', () => {
    expect(decide({}, admitted('not_probed'))).toEqual({ kind: 'probe' });
    expect(decide({}, admitted('not_probed', 'UPDATE_COMPLETE'))).toEqual({ kind: 'probe' });
    expect(decide({ withoutStack: true }, unreadable)).toEqual({ kind: 'probe' });
    for (const status of [
      'CREATE_IN_PROGRESS',
      'UPDATE_IN_PROGRESS',
      'UPDATE_ROLLBACK_COMPLETE',
      'REVIEW_IN_PROGRESS',
    ]) {
      expect(decide({}, admitted('not_probed', status))).toMatchObject({
        kind: 'wait',
        state: 'verifying',
        wait: 'stack',
        marks: { worked: 'set', refused: 'unset' },
      });
    }
    expect(decide({}, unreadable)).toMatchObject({ kind: 'wait', wait: 'stack' });
  });

  test.each([
    'ROLLBACK_IN_PROGRESS',
    'ROLLBACK_COMPLETE',
    'ROLLBACK_FAILED',
    'DELETE_IN_PROGRESS',
    'DELETE_COMPLETE',
    'CREATE_FAILED',
  ])('does not stay where its stack is %s', (status) => {
    expect(decide({}, admitted('enforced', status))).toMatchObject({
      kind: 'fail',
      causes: [{ code: 'STACK_FAILED', message: 'because' }],
    });
  });

  test('is insecure once it has let in others for longer than IAM takes', () => {
    expect(decide({}, admitted('not_enforced'))).toMatchObject({ kind: 'wait', marks: { insecure: 'set' } });
    const since = (seconds: number) => decide({ insecureTime: ago(seconds) }, admitted('not_enforced'));
    expect(since(pace.insecureAfter - 1)).toMatchObject({ kind: 'wait' });
    expect(since(pace.insecureAfter)).toMatchObject({ kind: 'fail' });
  });

  test('is not taken for secure where probing found nothing out', () => {
    expect(decide({}, admitted('inconclusive'))).toMatchObject({ kind: 'wait', wait: 'platform' });
  });
});

test('what cannot be found out changes nothing and is tried again', () => {
  expect(decide({}, unknown)).toMatchObject({ kind: 'wait', state: 'pending', wait: 'platform' });
  expect(decide({ claimTime: ago(9_999) }, unknown)).toMatchObject({ kind: 'wait', state: 'verifying' });
});

const time = fc.option(fc.integer({ min: 0, max: 90_000 }).map(ago));
const progress: fc.Arbitrary<Progress> = fc.record({
  now: fc.constant(NOW),
  attempts: fc.nat(5_000),
  withoutStack: fc.boolean(),
  callsBack: fc.boolean(),
  externalIdEdited: fc.boolean(),
  claimTime: time,
  claimsAgreedRole: fc.boolean(),
  workedTime: time,
  refusedTime: time,
  insecureTime: time,
});
const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.constant(refused),
  fc.constant(unknown),
  fc.constant(unreadable),
  fc
    .tuple(
      fc.constantFrom('not_probed', 'enforced', 'not_enforced', 'inconclusive'),
      fc.constantFrom(
        'CREATE_COMPLETE',
        'UPDATE_COMPLETE',
        'CREATE_IN_PROGRESS',
        'ROLLBACK_COMPLETE',
        'NEW_WORD',
      ),
    )
    .map(([externalId, status]) => admitted(externalId as 'enforced', status)),
);

test('whatever is seen, only a role that keeps others out, of a complete stack, is completed', () => {
  fc.assert(
    fc.property(progress, observation, (given, seen) => {
      const next = decideNext(given, seen, pace);
      if (next.kind === 'complete' || next.kind === 'probe') {
        expect(seen.kind).toBe('admitted');
        if (seen.kind !== 'admitted') return;
        expect(seen.externalId).toBe(next.kind === 'complete' ? 'enforced' : 'not_probed');
        expect(
          given.withoutStack || ['CREATE_COMPLETE', 'UPDATE_COMPLETE'].includes(seen.stack?.status ?? ''),
        ).toBe(true);
      }
      if (next.kind !== 'wait') return;
      expect(next.pauseSeconds).toBeGreaterThanOrEqual(2);
      expect(next.pauseSeconds).toBeLessThanOrEqual(60);
      expect(next.message).not.toBe('');
    }),
  );
});
