import { cleanText } from './clean-text.ts';
import { wrapText } from './wrap-text.ts';

const narrowestValue = 10;

/**
 * Lines up values after their names, two blanks apart. What is empty is left out. Values that would make a line longer than `width` go
 * on below themselves.
 */
export function formatFields(
  fields: readonly (readonly [name: string, value: string])[],
  width = Number.POSITIVE_INFINITY,
): string {
  const shown = fields.filter(([, value]) => value !== '');
  const indent = Math.max(0, ...shown.map(([name]) => name.length)) + 2;
  const lines = shown.flatMap(([name, value]) =>
    wrapText(cleanText(value), Math.max(narrowestValue, width - indent)).map(
      (line, index) => `${(index === 0 ? name : '').padEnd(indent)}${line}`,
    ),
  );
  return lines.join('\n');
}
