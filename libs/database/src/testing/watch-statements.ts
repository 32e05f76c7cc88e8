import pg from 'pg';

/** A statement that went to PostgreSQL. */
export interface SeenStatement {
  readonly text: string;
  readonly parameters: readonly unknown[];
  /** Of several statements; one that stands alone is its own. */
  readonly inTransaction: boolean;
}

const BEGIN = /^\s*(begin|start transaction)\b/i;
const END = /^\s*(commit|rollback)\b(?! to)/i;

/**
 * Watches what this process sends to PostgreSQL while `during` runs, whichever engine sends it. What begins and ends a transaction is no
 * statement of its own.
 */
export async function watchStatements(during: () => Promise<unknown>): Promise<SeenStatement[]> {
  const seen: SeenStatement[] = [];
  const open = new WeakSet<pg.Client>();
  const { prototype } = pg.Client;
  const original = prototype.query;
  prototype.query = function query(this: pg.Client, ...given: unknown[]) {
    const { text, parameters } = readQuery(given);
    if (BEGIN.test(text)) open.add(this);
    else if (END.test(text)) open.delete(this);
    else seen.push({ text, parameters, inTransaction: open.has(this) });
    return Reflect.apply(original, this, given);
  } as typeof prototype.query;
  try {
    await during();
    return seen;
  } finally {
    prototype.query = original;
  }
}

/** The forms in which the driver takes a query: a text and its values, or an object with both. */
function readQuery([asked, values]: readonly unknown[]): Pick<SeenStatement, 'text' | 'parameters'> {
  if (typeof asked === 'string') return { text: asked, parameters: Array.isArray(values) ? values : [] };
  const { text, values: named } = Object(asked) as { text?: string; values?: unknown[] };
  return { text: text ?? '', parameters: named ?? [] };
}
