import { spawnSync } from 'node:child_process';
import { create } from '@bufbuild/protobuf';
import { TimestampSchema, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { OperationState } from '@planton/api/runner/v1/operation';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatAge } from './format-age.ts';
import { formatEnum } from './format-enum.ts';
import { formatFields } from './format-fields.ts';
import { formatTime } from './format-time.ts';
import { quoteWord } from './quote-word.ts';

const now = new Date('2026-03-01T12:00:00Z');

test.each([
  [0, 'now'],
  [-3600, 'now'],
  [1, '1s ago'],
  [59, '59s ago'],
  [60, '1m ago'],
  [3599, '59m ago'],
  [10_800, '3h ago'],
  [86_399, '23h ago'],
  [90_000, '1d ago'],
  [40_000_000, '462d ago'],
])('%i seconds before is %j', (seconds, text) => {
  expect(formatAge(timestampFromDate(new Date(now.getTime() - seconds * 1000)), now)).toBe(text);
});

test('no time has no age', () => {
  expect(formatAge(undefined, now)).toBe('');
});

test('a time that no calendar has is left out', () => {
  expect(formatTime(create(TimestampSchema, { seconds: 2n ** 62n }))).toBe('');
  expect(formatTime(undefined)).toBe('');
  expect(formatTime(timestampFromDate(now))).toBe('2026-03-01T12:00:00Z');
});

test('enums are spelled as manifests do; none and unknown ones are empty', () => {
  expect(formatEnum(OperationState, OperationState.OUTCOME_UNKNOWN)).toBe('outcome_unknown');
  expect(formatEnum(OperationState, OperationState.UNSPECIFIED)).toBe('');
  expect(formatEnum(OperationState, 99)).toBe('');
});

test('fields line up, empty ones are left out, control characters are shown', () => {
  const fields = [
    ['a', 'x\u001b[2J\ny'],
    ['empty', ''],
    ['longer', 'z'],
  ] as const;
  expect(formatFields(fields)).toBe('a       x\\u001b[2J\\u000ay\nlonger  z');
});

test('a shell takes a quoted word as it was', () => {
  const word = fc.string({
    unit: fc.constantFrom('a', "'", '"', ' ', '$', '\\', '`', '\n', '*', '-', 'ü'),
    minLength: 1,
  });
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
      const { stdout } = spawnSync('sh', ['-c', `printf '%s\\0' ${words.map(quoteWord).join(' ')}`]);
      expect(stdout.toString().split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 30 },
  );
});
