/**
 * What the Connect library needs of the platform's `Headers`, for the bundle to take its place: Node's loads all of `fetch`,
 * which takes as long as the call of a command. Names are in any case; values of one name are joined as by the platform's.
 */
export class Headers implements Iterable<[name: string, value: string]> {
  readonly #values = new Map<string, string>();

  constructor(init: Iterable<readonly [string, string]> | Readonly<Record<string, string>> = {}) {
    for (const [name, value] of isIterable(init) ? init : Object.entries(init)) this.append(name, value);
  }

  append(name: string, value: string): void {
    const held = this.get(name);
    this.#values.set(name.toLowerCase(), held === null ? trim(value) : `${held}, ${trim(value)}`);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    this.#values.set(name.toLowerCase(), trim(value));
  }

  forEach(visit: (value: string, name: string) => void): void {
    for (const [name, value] of this) visit(value, name);
  }

  /** In the order of names, as the platform's. */
  [Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    return [...this.#values].sort(([a], [b]) => (a < b ? -1 : 1)).values();
  }
}

function isIterable(init: object): init is Iterable<readonly [string, string]> {
  return Symbol.iterator in init;
}

/** Whoever calls from untyped code may pass a number. */
function trim(value: string): string {
  return String(value).replace(/^[\t\r\n ]+|[\t\r\n ]+$/g, '');
}
