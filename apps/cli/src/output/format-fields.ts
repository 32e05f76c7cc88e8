import { cleanText } from './clean-text.ts';

/** Lines up values after their names, two blanks apart. What is empty is left out. */
export function formatFields(fields: readonly (readonly [name: string, value: string])[]): string {
  const shown = fields.filter(([, value]) => value !== '');
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${cleanText(value)}`).join('\n');
}
