import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isProbeDue, judgeProtection, type Protection, type ProtectionRecord } from './protection.ts';
import type { Finding } from './verification.ts';

const exposure = { code: 'OPEN', message: 'it is open', hint: 'close it' };
const protection = (result: Protection['result']): Protection => ({
  result,
  observation: result === 'not_tried' ? '' : 'it was tried',
  exposure,
});
const works: Finding = { outcome: 'verified', message: 'it works', causes: [], identity: 'me' };
const now = new Date('2026-03-01T12:00:00Z');
const ago = (seconds: number) => new Date(now.getTime() - seconds * 1_000);
const shown: ProtectionRecord = {
  outcome: 'verified',
  revision: 3,
  probeTime: ago(3_600),
  probeRevision: 3,
  insecureSince: null,
  now,
};
const never: ProtectionRecord = {
  outcome: null,
  revision: null,
  probeTime: null,
  probeRevision: null,
  insecureSince: null,
  now,
};

describe('trying what has to fail', () => {
  test.each([
    ['was shown lately', {}, false],
    ['was shown just less than a day ago', { probeTime: ago(86_399) }, false],
    ['was shown a day ago', { probeTime: ago(86_400) }, true],
    ['was shown in what is the future by now', { probeTime: ago(-1) }, true],
    ['was never shown', { probeTime: null, probeRevision: null }, true],
    ['was shown of another revision', { probeRevision: 2 }, true],
    ['was of another revision when it was last verified', { revision: 2 }, true],
    ['was refused', { outcome: 'refused' }, true],
    ['could not be found out about', { outcome: 'inconclusive' }, true],
    ['was insecure', { outcome: 'insecure' }, true],
    ['let others in', { insecureSince: ago(5) }, true],
  ] as const)('of one that %s: %j %s', (_, change, due) => {
    expect(isProbeDue({ ...shown, ...change }, 3)).toBe(due);
  });

  test('of one that nothing is known of', () => {
    expect(isProbeDue(undefined, 1)).toBe(true);
    expect(isProbeDue(never, 1)).toBe(true);
  });
});

describe('what it comes to', () => {
  const judge = (
    result: Protection['result'] | undefined,
    record: ProtectionRecord | 'nothing' = shown,
    finding = works,
  ) => {
    const known = record === 'nothing' ? undefined : record;
    return judgeProtection(finding, result && protection(result), known, 3);
  };

  test('what has nothing like it is what was found', () => {
    expect(judge(undefined)).toEqual({
      finding: works,
      change: { shown: false, insecure: 'keep' },
      lookAgain: false,
    });
  });

  test('others who are kept out are forgotten to have been let in', () => {
    for (const record of [shown, never, 'nothing' as const, { ...shown, insecureSince: ago(600) }])
      expect(judge('kept_out', record)).toEqual({
        finding: works,
        change: { shown: true, insecure: 'clear' },
        lookAgain: false,
      });
  });

  test.each([
    [null, 'inconclusive'],
    [ago(0), 'inconclusive'],
    [ago(59.999), 'inconclusive'],
    [ago(60), 'insecure'],
    [ago(86_400), 'insecure'],
    [ago(-60), 'inconclusive'],
  ] as const)('others who are let in since %j are %s', (insecureSince, outcome) => {
    const { finding, change, lookAgain } = judge('let_in', { ...shown, insecureSince });
    expect(finding).toMatchObject({ outcome, causes: [exposure], identity: 'me' });
    expect(finding.message).toContain('it works; it was tried');
    expect(change).toEqual({ shown: false, insecure: 'begin' });
    expect(lookAgain).toBe(outcome === 'inconclusive');
    if (lookAgain) expect(finding.message).toContain('again in a minute');
  });

  test('that an earlier revision let others in does not count for this one', () => {
    const record = { ...shown, revision: 2, insecureSince: ago(3_600) };
    expect(judge('let_in', record).finding.outcome).toBe('inconclusive');
    expect(judge('not_tried', { ...record, probeRevision: 2 }).change.insecure).toBe('clear');
  });

  test('that others are let in counts where the connection itself could not be made out, not where it was refused', () => {
    const record = { ...shown, insecureSince: ago(600) };
    const lost: Finding = { ...works, outcome: 'inconclusive' };
    expect(judge('let_in', record, lost).finding.outcome).toBe('insecure');
    const refused: Finding = { ...works, outcome: 'refused' };
    expect(judge('let_in', record, refused)).toMatchObject({
      finding: refused,
      change: { shown: false, insecure: 'keep' },
    });
  });

  test('what could not be found out is verified where it was shown before, and says when', () => {
    expect(judge('unclear').finding).toEqual({
      ...works,
      message: 'it works; it was tried, which was last shown at 2026-03-01T11:00:00.000Z',
    });
    expect(judge('not_tried').finding).toEqual(works);
    expect(judge('unclear').change).toEqual({ shown: false, insecure: 'keep' });
  });

  test.each(['unclear', 'not_tried'] as const)('%s is not safe where it was never shown', (result) => {
    for (const record of [never, 'nothing' as const, { ...shown, probeRevision: 2 }])
      expect(judge(result, record).finding).toMatchObject({
        outcome: 'inconclusive',
        causes: [{ code: 'PROTECTION_NOT_SHOWN' }],
      });
  });

  test.each([
    ['insecure', 'insecure'],
    ['refused', 'inconclusive'],
    ['inconclusive', 'inconclusive'],
    ['verified', 'inconclusive'],
  ] as const)('that others were let in is not forgotten: %s is %s', (outcome, expected) => {
    for (const result of ['unclear', 'not_tried'] as const)
      expect(judge(result, { ...shown, outcome, insecureSince: ago(600) })).toMatchObject({
        finding: { outcome: expected, causes: [exposure] },
        change: { shown: false, insecure: 'keep' },
        lookAgain: false,
      });
  });
});

test('whatever happens in whatever order, nothing is verified that was not last shown to keep others out, and what lasts is insecure', () => {
  const step = fc.record({
    seconds: fc.integer({ min: 0, max: 100_000 }),
    result: fc.constantFrom(undefined, 'kept_out', 'let_in', 'unclear', 'not_tried'),
    outcome: fc.constantFrom('verified', 'refused', 'inconclusive'),
    revises: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let record = never;
      let revision = 1;
      let lastEvidence: 'shown' | 'open' | undefined;
      let openSince: Date | undefined;
      for (const { seconds, result, outcome, revises } of steps) {
        const time = new Date(record.now.getTime() + seconds * 1_000);
        if (revises) {
          revision += 1;
          lastEvidence = undefined;
          openSince = undefined;
        }
        record = { ...record, now: time };
        // A provider that has protection always says something of it where it was reached.
        const given = outcome === 'verified' ? (result ?? 'not_tried') : result;
        const { finding, change, lookAgain } = judgeProtection(
          { ...works, outcome } as Finding,
          given && protection(given),
          record,
          revision,
        );
        if (given === 'let_in' && outcome !== 'refused') {
          lastEvidence = 'open';
          openSince ??= time;
          const lasted = time.getTime() - openSince.getTime() >= 60_000;
          expect(finding.outcome).toBe(lasted ? 'insecure' : 'inconclusive');
          expect(lookAgain).toBe(!lasted);
        }
        if (given === 'kept_out' && outcome === 'verified') {
          lastEvidence = 'shown';
          openSince = undefined;
        }
        if (finding.outcome === 'verified') expect(lastEvidence).toBe('shown');
        if (finding.outcome === 'insecure') expect(lastEvidence).toBe('open');
        const kept = record.revision === revision ? record.insecureSince : null;
        const insecureSince = { keep: kept, begin: kept ?? time, clear: null }[change.insecure];
        record = {
          ...record,
          outcome: finding.outcome,
          revision,
          insecureSince,
          ...(change.shown && { probeTime: time, probeRevision: revision }),
        };
      }
    }),
  );
});
