import { cleanText } from './clean-text.ts';

/** A column: its heading, and what it shows of an item. */
export type Column<T> = readonly [heading: string, cell: (item: T) => string];

/** Lines up items under headings, columns two blanks apart. */
export function formatTable<T>(columns: readonly Column<T>[], items: readonly T[]): string {
  const rows = [
    columns.map(([heading]) => heading),
    ...items.map((item) => columns.map(([, cell]) => cleanText(cell(item)) || '-')),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, index) => cell.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
