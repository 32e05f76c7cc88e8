import type { TlsConnection } from '@planton/rpc';
import { describe, expect, test } from 'vitest';
import { Session } from './session.ts';

/** An open session with room for so many, whose clock and connection the test holds. */
function openSession(maxInFlight: number) {
  const clock = { ms: 0 };
  const cuts: number[] = [];
  const connection = { cut: () => cuts.push(clock.ms) } as unknown as TlsConnection;
  const session = new Session({
    uid: 'session-1',
    instanceUid: 'instance-1',
    generation: 1,
    connection,
    monotonic: () => clock.ms,
  });
  session.state = { name: 'open' };
  session.maxInFlight = maxInFlight;
  const send = (count: number) => {
    for (let i = 0; i < count; i++) session.send({ case: 'drain', value: {} });
  };
  return { session, clock, cuts, send, room: () => session.room(clock.ms) };
}

describe('the room of a session', () => {
  test('is not less because many frames go out at once', async () => {
    const { session, clock, send, room } = openSession(100);
    send(90);
    expect(room()).toBe(100);
    for (let taken = 0; taken < 50; taken++) {
      clock.ms += 500;
      await session.next();
    }
    expect(room()).toBe(100);
  });

  test('is nothing while many frames wait and none is taken, and is there again once one is', async () => {
    const { session, clock, send, room } = openSession(100);
    send(40);
    clock.ms += 1_001;
    expect(room()).toBe(0);
    await session.next();
    expect(room()).toBe(100);
    clock.ms += 1_001;
    expect(room()).toBe(0);
    for (let taken = 0; taken < 10; taken++) await session.next();
    clock.ms += 1_001;
    expect(room()).toBe(100);
  });

  test('is counted from the frame that found nobody waiting, not from the last that was taken', async () => {
    const { session, clock, send, room } = openSession(100);
    const first = session.next();
    send(1);
    await first;
    clock.ms += 5_000;
    send(40);
    expect(room()).toBe(100);
  });
});

describe('the queue of a session', () => {
  test('holds what a runner of its size can be sent at once, and is cut beyond that', () => {
    const { cuts, send } = openSession(1_000);
    send(2_000);
    expect(cuts).toEqual([]);
    send(1_000);
    expect(cuts.length).toBeGreaterThan(0);
  });
});
