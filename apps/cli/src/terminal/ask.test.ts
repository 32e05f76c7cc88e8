import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { ask } from './ask.ts';

function person(typed: string | undefined) {
  const stdin = new PassThrough();
  const stderr = new PassThrough();
  stderr.resume();
  if (typed !== undefined) stdin.write(typed);
  const now = () => new Date(0);
  return { env: {}, stdin, stdout: stderr, stderr, interactive: true, terminalOutput: true, now };
}

test.each([
  ['\n', true, true],
  ['\n', false, false],
  ['  y \n', false, true],
  ['Yes\n', false, true],
  ['NO\n', true, false],
])('%j, where Enter means %j, is %j', async (typed, standard, answer) => {
  expect(await ask(person(typed), 'Sure?', standard)).toBe(answer);
});

test('the end of the input is no answer', async () => {
  const cli = person(undefined);
  cli.stdin.end();
  expect(await ask(cli, 'Sure?', true)).toBeUndefined();
});

test('the next question is answered by what is typed after it', async () => {
  const cli = person('y\n');
  expect(await ask(cli, 'One?', false)).toBe(true);
  cli.stdin.write('n\n');
  expect(await ask(cli, 'Two?', true)).toBe(false);
});
