import type { Writable } from 'node:stream';
import type { Surroundings } from './terminal.ts';

/** Whether text on standard output, or on standard error, can be drawn over. */
export function canRedraw(
  { terminalOutput, interactive, env }: Surroundings,
  stream: 'stdout' | 'stderr',
): boolean {
  return (stream === 'stdout' ? terminalOutput : interactive) && env.TERM !== 'dumb';
}

/**
 * Answers a function that draws lines over those that it drew before. They are cut to the terminal as it is now, because the cursor
 * finds back over no line that was wrapped or has left the screen.
 */
export function createRedraw(stream: Writable): (text: string) => void {
  let drawn = 0;
  return (text) => {
    const columns = columnsOf(stream);
    const rows = sizeOf(stream, 'rows', 24);
    const lines = fit(text.split('\n'), rows - 1).map((line) => line.slice(0, columns - 1));
    const back = drawn > 0 ? `\u001b[${Math.min(drawn, rows - 1)}A\r\u001b[J` : '';
    stream.write(`${back}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
}

/** How many characters fit into a line of the terminal that a stream is. */
export function columnsOf(stream: Writable): number {
  return sizeOf(stream, 'columns', 80);
}

function fit(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  const shown = lines.slice(0, Math.max(1, most - 1));
  return [...shown, `… and ${lines.length - shown.length} more`];
}

/** A stream that is a terminal knows its size; a terminal of no size is one that does not tell. */
function sizeOf(stream: object, name: 'columns' | 'rows', standard: number): number {
  const size: unknown = name in stream ? Reflect.get(stream, name) : undefined;
  return typeof size === 'number' && size > 1 ? size : standard;
}
