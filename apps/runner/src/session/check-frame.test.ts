import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type OpenSessionResponse, OpenSessionResponseSchema } from '@planton/api/runner/v1/runner_gateway';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFrameCheck } from './check-frame.ts';

type Frame = NonNullable<MessageInitShape<typeof OpenSessionResponseSchema>['frame']>;
const attempt = { operationUid: 'a', attempt: 1 };
const welcome: Frame = { case: 'welcome', value: {} };
const rest: Frame[] = [
  {
    case: 'assignment',
    value: { attempt, input: { kind: { case: 'ping', value: {} } }, timeout: { seconds: 1n } },
  },
  { case: 'cancel', value: { attempt } },
  { case: 'ack', value: { attempt } },
  { case: 'reconcile', value: {} },
  { case: 'drain', value: {} },
  { case: 'goodbye', value: {} },
];
const message = (sequence: number, frame?: Frame): OpenSessionResponse =>
  create(OpenSessionResponseSchema, { sequence: BigInt(sequence), ...(frame ? { frame } : {}) });

test('takes every order of frames that begins with one welcome and is numbered', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...rest)), (frames) => {
      const check = createFrameCheck();
      [welcome, ...frames].forEach((frame, index) => {
        expect(check(message(index + 1, frame))).toBeUndefined();
      });
    }),
  );
});

test('finds the first number that is not the next', () => {
  fc.assert(
    fc.property(fc.nat({ max: 20 }), fc.nat({ max: 40 }), (before, given) => {
      fc.pre(given !== before + 2);
      const check = createFrameCheck();
      check(message(1, welcome));
      for (let i = 0; i < before; i++) check(message(i + 2, rest[3]));
      expect(check(message(given, rest[3]))).toMatch(`frame ${given} came where frame ${before + 2} was due`);
    }),
  );
});

test.each(rest.filter(({ case: name }) => name !== 'goodbye'))(
  'a session does not begin with %o',
  (frame) => {
    expect(createFrameCheck()(message(1, frame))).toMatch('instead of a welcome');
  },
);

test('a session may begin with a goodbye, and not with what is unknown', () => {
  expect(createFrameCheck()(message(1, { case: 'goodbye', value: {} }))).toBeUndefined();
  expect(createFrameCheck()(message(1))).toMatch('unknown kind');
});

test('a second welcome is one too many', () => {
  const check = createFrameCheck();
  check(message(1, welcome));
  expect(check(message(2, welcome))).toBe('a second welcome came');
});

test('a frame of a later release passes, and is counted', () => {
  const check = createFrameCheck();
  check(message(1, welcome));
  expect(check(message(2))).toBeUndefined();
  expect(check(message(3, rest[1]))).toBeUndefined();
});

test.each<Frame>([
  { case: 'assignment', value: { attempt, timeout: { seconds: 1n } } },
  { case: 'assignment', value: { input: { kind: { case: 'ping', value: {} } }, timeout: { seconds: 1n } } },
  { case: 'assignment', value: { attempt, input: { kind: { case: 'ping', value: {} } } } },
  { case: 'cancel', value: {} },
  { case: 'ack', value: {} },
])('%o lacks what it needs', (frame) => {
  const check = createFrameCheck();
  check(message(1, welcome));
  expect(check(message(2, frame))).toMatch('without its attempt');
});
