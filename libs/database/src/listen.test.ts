import { describe, expect, onTestFinished, test, vi } from 'vitest';
import type { Engine, Subscription } from './engine.ts';
import { assertOutsideTransaction } from './guard-transaction.ts';
import { type ListenOptions, listen, notify } from './listen.ts';
import { openDatabase } from './open-database.ts';
import { engines, useTestEngine } from './testing/index.ts';

async function collect(engine: Engine, channel: string, options?: ListenOptions) {
  const received: string[] = [];
  const subscription: Subscription = listen(engine, channel, (payload) => received.push(payload), options);
  onTestFinished(() => subscription.close());
  await subscription.ready;
  return { received, subscription };
}

describe.each(engines)('listen on %s', (kind) => {
  const engine = useTestEngine(kind);

  test('notifications arrive in order, for their channel only', async () => {
    const { received } = await collect(engine(), 'wanted');
    await notify(engine().kysely, 'unwanted', 'no');
    for (const payload of ['one', 'two', '']) await notify(engine().kysely, 'wanted', payload);
    await vi.waitFor(() => expect(received).toEqual(['one', 'two', '']));
  });

  test('several listeners of a channel each hear everything', async () => {
    const [first, second] = [await collect(engine(), 'shared'), await collect(engine(), 'shared')];
    await notify(engine().kysely, 'shared', 'x');
    await vi.waitFor(() => expect([first.received, second.received]).toEqual([['x'], ['x']]));
  });

  test('a notification leaves with the commit and dies with the rollback', async () => {
    const { received } = await collect(engine(), 'commits');
    const database = openDatabase<Record<string, never>>(engine(), 'any');
    await database
      .transact(async (tx) => {
        await notify(tx, 'commits', 'rolled back');
        throw new Error('no');
      })
      .catch(() => {});
    await database.transact((tx) => notify(tx, 'commits', 'committed'));
    await vi.waitFor(() => expect(received).toEqual(['committed']));
  });

  test('a handler is outside the transaction that notified', async () => {
    const outcome = Promise.withResolvers<void>();
    const subscription = listen(engine(), 'detached', () => {
      try {
        assertOutsideTransaction('a call');
        outcome.resolve();
      } catch (error) {
        outcome.reject(error);
      }
    });
    onTestFinished(() => subscription.close());
    await subscription.ready;
    const database = openDatabase<Record<string, never>>(engine(), 'any');
    await database.transact((tx) => notify(tx, 'detached', 'x'));
    await outcome.promise;
  });

  test('a closed listener hears nothing more', async () => {
    const { received, subscription } = await collect(engine(), 'closing');
    const witness = await collect(engine(), 'closing');
    await subscription.close();
    await notify(engine().kysely, 'closing', 'late');
    await vi.waitFor(() => expect(witness.received).toEqual(['late']));
    expect(received).toEqual([]);
  });

  test('onConnect tells when notifications begin', async () => {
    const onConnect = vi.fn();
    await collect(engine(), 'connects', { onConnect });
    await vi.waitFor(() => expect(onConnect).toHaveBeenCalledOnce());
  });

  test('hostile channels and payloads that do not fit are refused', async () => {
    for (const channel of ['', 'Upper', 'a; drop table x', 'a"b', 'a'.repeat(64)]) {
      expect(() => listen(engine(), channel, () => {})).toThrow(RangeError);
      await expect(notify(engine().kysely, channel)).rejects.toThrow(RangeError);
    }
    await expect(notify(engine().kysely, 'a', 'é'.repeat(4_000))).rejects.toThrow(RangeError);
    await notify(engine().kysely, 'a', 'x'.repeat(7_999));
  });
});
