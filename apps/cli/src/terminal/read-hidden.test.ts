import { PassThrough, Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { readHidden } from './read-hidden.ts';

/** A terminal at which these keys are typed; it tells its modes in turn. */
function terminal(...keys: readonly string[]) {
  const modes: boolean[] = [];
  const stdin = Object.assign(Readable.from(keys.map((text) => Buffer.from(text))), {
    isTTY: true,
    setRawMode: (raw: boolean) => modes.push(raw),
  });
  return { stdin, modes };
}

function read(stdin: Readable, limit = 100) {
  const ignored = new PassThrough();
  ignored.resume();
  const now = () => new Date(0);
  const cli = {
    env: {},
    stdin,
    stdout: ignored,
    stderr: ignored,
    interactive: true,
    terminalOutput: true,
    now,
  };
  return readHidden(cli, limit).then(String);
}

test.each([
  [['sesame\u0004'], 'sesame'],
  [['a', 'b\r', 'c\u0004never'], 'ab\nc'],
  [['pass£\u007fwird\b\b\bord\u0004'], 'password'],
  [['\u007f\u007fx\u0004'], 'x'],
  [['sesame'], 'sesame'],
])('%j typed is %j, in a terminal that shows nothing meanwhile', async (keys, text) => {
  const { stdin, modes } = terminal(...keys);
  expect(await read(stdin)).toBe(text);
  expect(modes).toEqual([true, false]);
});

test('Ctrl-C gives up, and the terminal shows again what is typed', async () => {
  const { stdin, modes } = terminal('sesa', '\u0003');
  await expect(read(stdin)).rejects.toMatchObject({ message: 'interrupted', exitCode: 130 });
  expect(modes).toEqual([true, false]);
});

test('no more is read than one byte beyond the limit', async () => {
  const { stdin } = terminal('123', '456', '789');
  expect(await read(stdin, 4)).toBe('12345');
  expect(stdin.destroyed).toBe(false);
});

test('what is piped is read as it is', async () => {
  expect(await read(Readable.from([Buffer.from('a\b\r\n')]))).toBe('a\b\r\n');
});
