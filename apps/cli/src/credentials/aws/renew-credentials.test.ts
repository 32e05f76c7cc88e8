import type { AwsCredentials } from '@planton/aws';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { renewing } from './renew-credentials.ts';

const minute = 60_000;
const keys = (name: string, expiresIn?: number): AwsCredentials => ({
  accessKeyId: name,
  secretAccessKey: 's',
  ...(expiresIn === undefined ? {} : { expiration: new Date(expiresIn * minute) }),
});

/** A clock in minutes and an issuer whose answers are given one after the other. */
function world(answers: readonly (AwsCredentials | Error)[]) {
  let at = 0;
  let calls = 0;
  const issue = async () => {
    const answer = answers[calls++];
    if (!answer || answer instanceof Error) throw answer ?? new Error('one call too many');
    return answer;
  };
  return {
    issue,
    now: () => new Date(at * minute),
    set: (minutes: number) => {
      at = minutes;
    },
    calls: () => calls,
  };
}

test('credentials with an end are reused until 15 minutes before it', async () => {
  const { issue, now, set, calls } = world([keys('second', 120)]);
  const current = renewing(keys('first', 60), issue, now);
  set(44);
  expect((await current()).accessKeyId).toBe('first');
  set(45);
  expect((await current()).accessKeyId).toBe('second');
  expect((await current()).accessKeyId).toBe('second');
  expect(calls()).toBe(1);
});

test('credentials that live shorter are renewed after half of their life', async () => {
  const { issue, now, set, calls } = world([keys('second', 23)]);
  const current = renewing(keys('first', 16), issue, now);
  set(7.9);
  expect((await current()).accessKeyId).toBe('first');
  set(8.1);
  expect((await current()).accessKeyId).toBe('second');
  expect(calls()).toBe(1);
});

test('while they can be issued, nobody gets credentials that have ended, and the server is asked once a minute at most', async () => {
  const life = fc.double({ min: 1.5, max: 90, noNaN: true });
  const steps = fc.array(fc.double({ min: 0.01, max: 10, noNaN: true }), { minLength: 1, maxLength: 200 });
  await fc.assert(
    fc.asyncProperty(life, steps, async (life, steps) => {
      let at = 0;
      const asked: number[] = [];
      const issue = async () => {
        asked.push(at);
        return keys('renewed', at + life);
      };
      const current = renewing(keys('first', life), issue, () => new Date(at * minute));
      for (const step of steps) {
        at += step;
        const { expiration } = await current();
        expect(expiration?.getTime()).toBeGreaterThan(at * minute);
      }
      const pauses = asked.slice(1).map((time, index) => time - (asked[index] ?? 0));
      expect(pauses.filter((pause) => pause < Math.min(1, life - 1) - 1e-4)).toEqual([]);
    }),
  );
});

test('a key without an end is asked for again after a minute, so that a rotated one arrives', async () => {
  const { issue, now, set } = world([keys('rotated')]);
  const current = renewing(keys('first'), issue, now);
  set(0.9);
  expect((await current()).accessKeyId).toBe('first');
  set(1.1);
  expect((await current()).accessKeyId).toBe('rotated');
});

test('many at once are one call', async () => {
  const { issue, now, set, calls } = world([keys('second', 120)]);
  const current = renewing(keys('first', 60), issue, now);
  set(50);
  const all = await Promise.all(Array.from({ length: 20 }, current));
  expect(new Set(all.map(({ accessKeyId }) => accessKeyId))).toEqual(new Set(['second']));
  expect(calls()).toBe(1);
});

test('where renewing fails, what is alive is used until it ends', async () => {
  const { issue, now, set } = world([new Error('down'), new Error('down'), keys('third', 200)]);
  const current = renewing(keys('first', 60), issue, now);
  set(50);
  expect((await current()).accessKeyId).toBe('first');
  set(60);
  await expect(current()).rejects.toThrow('down');
  expect((await current()).accessKeyId).toBe('third');
});

test('a key without an end is not used when it can no longer be issued', async () => {
  const { issue, now, set } = world([new Error('not authorised any more')]);
  const current = renewing(keys('first'), issue, now);
  set(2);
  await expect(current()).rejects.toThrow('not authorised');
});
