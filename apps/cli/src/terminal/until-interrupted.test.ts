import { expect, onTestFinished, test } from 'vitest';
import { Interrupted, untilInterrupted } from './until-interrupted.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens as the program does, and answers how often it was called. */
function listen() {
  const heard: string[] = [];
  const listener = (signal: string) => void heard.push(signal);
  for (const signal of signals) process.on(signal, listener);
  onTestFinished(() => {
    for (const signal of signals) process.removeListener(signal, listener);
  });
  return heard;
}

const listeners = () => signals.map((signal) => process.listeners(signal));

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)(
  '%s aborts the work, and the next one is for those who listened before',
  async (signal, exitCode) => {
    const heard = listen();
    const before = listeners();
    const work = untilInterrupted(async (aborted) => {
      process.emit(signal, signal);
      expect(heard).toEqual([]);
      expect(listeners()).toEqual(before);
      process.emit(signal, signal);
      expect(heard).toEqual([signal]);
      aborted.throwIfAborted();
    });
    await expect(work).rejects.toBeInstanceOf(Interrupted);
    await expect(work).rejects.toMatchObject({ exitCode });
    expect(listeners()).toEqual(before);
  },
);

test('work that is not interrupted leaves everything as it was', async () => {
  const heard = listen();
  const before = listeners();
  expect(await untilInterrupted(async () => 7)).toBe(7);
  await expect(untilInterrupted(() => Promise.reject(new Error('other')))).rejects.toThrow('other');
  expect({ after: listeners(), heard }).toEqual({ after: before, heard: [] });
});
