import { type Fault, fault } from '../check.ts';

export type PastedReason = 'empty' | 'whitespace' | 'quoted';

/** What goes wrong when a value is copied: nothing at all, white space around it, or its quotes. */
export function faultOfPasted(value: string): Fault<PastedReason> | undefined {
  if (value === '') return fault('empty', 'is empty');
  if (value.trim() !== value) return fault('whitespace', 'has leading or trailing white space');
  if (/^(".*"|'.*'|`.*`)$/s.test(value)) return fault('quoted', 'is wrapped in quotes; leave them out');
  return undefined;
}
