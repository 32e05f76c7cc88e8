import { expect, test, vi } from 'vitest';
import { emitEvents } from './emit-events.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('yields what is emitted, in order, whether it waits or is waited for', async () => {
  const seen: number[] = [];
  const events = emitEvents<number>(async (emit) => {
    emit(1);
    emit(2);
    await turn();
    emit(3);
    await turn();
    emit(4);
  });
  for await (const event of events) {
    seen.push(event);
    if (event === 3) await turn().then(turn);
  }
  expect(seen).toEqual([1, 2, 3, 4]);
});

test('throws what the work throws, after what it emitted', async () => {
  const events = emitEvents<number>(async (emit) => {
    emit(1);
    throw new Error('no');
  });
  expect((await events.next()).value).toBe(1);
  await expect(events.next()).rejects.toThrow('no');
  expect((await events.next()).done).toBe(true);
});

test('the work goes on when nobody listens any more, and its failure is nobody’s', async () => {
  const ended = vi.fn();
  const events = emitEvents<number>(async (emit) => {
    emit(1);
    await turn();
    emit(2);
    ended();
    throw new Error('no');
  });
  await events.next();
  await events.return();
  await vi.waitFor(() => expect(ended).toHaveBeenCalled(), { timeout: 5_000 });
  await turn();
});

test('work that ends at once ends the stream', async () => {
  expect(await Array.fromAsync(emitEvents(async () => {}))).toEqual([]);
});
