export type Fields = Readonly<Record<string, unknown>>;

/** A text, or a list of texts that is not empty. */
export function textsOf(value: unknown, what: string): readonly string[] {
  const items = listOf(value);
  if (items.length === 0 || !items.every((item) => typeof item === 'string' && item !== '')) {
    throw new Error(`${what} is not a text or a list of texts`);
  }
  return items as readonly string[];
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value that may stand for a list of one; none for an absent one. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
