/**
 * What a column becomes in JavaScript, the same on both engines:
 *
 * - `int8` (so `count(*)` too) is a `number`. A value beyond ±(2^53 - 1) throws rather than lose digits: cast such a column to
 *   `text` in the query.
 * - `timestamptz` is a `Date`; `date` stays text, because a day has no time zone.
 * - `json` and `jsonb` are the parsed value; give the column the type `unknown` and check it.
 * - `bytea` is a `Buffer`; `numeric` stays text.
 */
export const OID = { bytea: 17, int8: 20, date: 1082 } as const;

export function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) {
    throw new RangeError(`int8 value ${text} does not fit a number: cast the column to text in the query`);
  }
  return value;
}

/** PostgreSQL's hex output format, which is `\x` and two digits a byte. */
export function parseBytea(text: string): Buffer {
  return Buffer.from(text.slice(2), 'hex');
}

export function keepText(text: string): string {
  return text;
}
