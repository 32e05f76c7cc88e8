import { GatewayGoodbyeReason, RunnerGoodbyeReason } from '@planton/api/runner/v1/session';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AWAITING_HELLO, nextState, type SessionEvent, type SessionState } from './session-state.ts';

const frames = ['hello', 'heartbeat', 'accepted', 'output', 'result', 'goodbye'] as const;

const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.constantFrom(...frames).map((frame) => ({ type: 'frame' as const, frame })),
  fc.constant({ type: 'opened' as const }),
  fc.constant({ type: 'drain' as const }),
  fc.constantFrom<SessionEvent>(
    { type: 'end', ending: { by: 'connection' } },
    { type: 'end', ending: { by: 'runner', reason: RunnerGoodbyeReason.SHUTDOWN } },
    { type: 'end', ending: { by: 'gateway', reason: GatewayGoodbyeReason.IDLE, message: '' } },
  ),
);

const after = (events: readonly SessionEvent[]): SessionState[] => {
  const states = [AWAITING_HELLO];
  for (const each of events) states.push(nextState(states.at(-1) ?? AWAITING_HELLO, each));
  return states;
};
const frame = (name: (typeof frames)[number]): SessionEvent => ({ type: 'frame', frame: name });
const order = ['awaiting_hello', 'opening', 'open', 'draining', 'closed'];

describe('the states of a session', () => {
  test('only ever follow each other forwards', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const ranks = after(events).map(({ name }) => order.indexOf(name));
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
      }),
    );
  });

  test('are never left once closed', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const states = after(events);
        const first = states.findIndex(({ name }) => name === 'closed');
        if (first >= 0) expect(new Set(states.slice(first)).size).toBe(1);
      }),
    );
  });

  test('are open only after exactly one hello that was accepted', () => {
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const reached = after(events).findIndex(({ name }) => name === 'open');
        if (reached < 0) return;
        const before = events.slice(0, reached);
        expect(before.filter((each) => each.type === 'frame')).toEqual([frame('hello')]);
        expect(before.at(-1)).toEqual({ type: 'opened' });
      }),
    );
  });

  test.each([
    ['a frame before the hello', [frame('heartbeat')], 'the first frame has to be a hello and was heartbeat'],
    ['a frame before the welcome', [frame('hello'), frame('result')], 'result came before the welcome'],
    ['a second hello', [frame('hello'), { type: 'opened' as const }, frame('hello')], 'a second hello'],
    [
      'a second hello while it drains',
      [frame('hello'), { type: 'opened' as const }, { type: 'drain' as const }, frame('hello')],
      'a second hello',
    ],
  ])('%s breaks the protocol', (_name, events, message) => {
    expect(after(events).at(-1)).toEqual({
      name: 'closed',
      ending: { by: 'gateway', reason: GatewayGoodbyeReason.PROTOCOL, message },
    });
  });

  test('a session that is not open yet does not drain: it ends', () => {
    for (const events of [[], [frame('hello')]]) {
      expect(after([...events, { type: 'drain' }]).at(-1)).toMatchObject({
        name: 'closed',
        ending: { reason: GatewayGoodbyeReason.SHUTDOWN },
      });
    }
  });
});
