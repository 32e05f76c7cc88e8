/** What a terminal of this size shows after a text was written to it: its lines, to that of the cursor. */
export function screenOf(written: string, { columns, rows }: { columns: number; rows: number }): string[] {
  let lines = [''];
  let row = 0;
  let column = 0;
  const down = () => {
    row++;
    if (row === lines.length) lines.push('');
    if (row === rows) {
      lines.shift();
      row--;
    }
  };
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal acts on
  for (const [token, up] of written.matchAll(/\u001b\[(\d+)A|\u001b\[J|[\s\S]/g)) {
    if (up !== undefined) row = Math.max(0, row - Number(up));
    else if (token === '\u001b[J') {
      lines = lines.slice(0, row + 1);
      lines[row] = (lines[row] ?? '').slice(0, column);
    } else if (token === '\r') column = 0;
    else if (token === '\n') {
      down();
      column = 0;
    } else {
      if (column === columns) {
        down();
        column = 0;
      }
      const line = (lines[row] ?? '').padEnd(column);
      lines[row] = line.slice(0, column) + token + line.slice(column + 1);
      column++;
    }
  }
  return lines.map((line) => line.trimEnd());
}
