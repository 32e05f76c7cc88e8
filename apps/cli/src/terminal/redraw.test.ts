import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { screenOf } from '../testing/screen.ts';
import { canRedraw, createRedraw } from './redraw.ts';

function draw(texts: readonly string[], size: { columns: number; rows: number }) {
  const stdout = Object.assign(new PassThrough(), size);
  let written = '';
  stdout.on('data', (chunk: Buffer) => {
    written += chunk;
  });
  const redraw = createRedraw(stdout);
  for (const text of texts) redraw(text);
  return screenOf(written, size);
}

const ignored = new PassThrough();
const surroundings = {
  env: {},
  stdin: ignored,
  stdout: ignored,
  stderr: ignored,
  interactive: true,
  terminalOutput: true,
  now: () => new Date(0),
};

test('the last text is on the screen, and nothing of those before', () => {
  expect(draw(['a\nbb\nc', 'x', 'y\nz'], { columns: 80, rows: 24 })).toEqual(['y', 'z', '']);
});

test('what does not fit is cut, and counted', () => {
  const size = { columns: 6, rows: 5 };
  const text = Array.from({ length: 9 }, (_, line) => `line ${line}`).join('\n');
  expect(draw([text, text], size)).toEqual(['line', 'line', 'line', '… and', '']);
});

test('whatever is drawn in turn, the screen holds the last text alone', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 40 });
  const text = fc.array(line, { minLength: 1, maxLength: 40 }).map((lines) => lines.join('\n'));
  const size = fc.record({
    columns: fc.integer({ min: 10, max: 50 }),
    rows: fc.integer({ min: 3, max: 30 }),
  });
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 6 }), size, (texts, size) => {
      const alone = draw(texts.slice(-1), size);
      expect(draw(texts, size)).toEqual(alone);
    }),
  );
});

test.each(['stdout', 'stderr'] as const)(
  'a terminal that knows no such things is not redrawn: %s',
  (stream) => {
    expect(canRedraw(surroundings, stream)).toBe(true);
    expect(canRedraw({ ...surroundings, env: { TERM: 'dumb' } }, stream)).toBe(false);
    expect(canRedraw({ ...surroundings, terminalOutput: false }, stream)).toBe(stream === 'stderr');
    expect(canRedraw({ ...surroundings, interactive: false }, stream)).toBe(stream === 'stdout');
  },
);
