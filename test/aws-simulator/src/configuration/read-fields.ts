export type Fields = Readonly<Record<string, unknown>>;

/** @throws Error that quotes nothing, as the text may hold keys */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('the configuration is not JSON');
  }
}

export function objectAt(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${at} is not an object`);
  }
  return value as Fields;
}

export function listAt(fields: Fields, name: string, at: string): readonly (readonly [Fields, string])[] {
  return arrayAt(fields, name, at).map((item, index) => {
    const itemAt = `${placeOf(name, at)}[${index}]`;
    return [objectAt(item, itemAt), itemAt];
  });
}

export function textsAt(fields: Fields, name: string, at: string): readonly string[] {
  return arrayAt(fields, name, at).map((item, index) => {
    if (typeof item !== 'string') throw new Error(`${placeOf(name, at)}[${index}] is not a string`);
    return item;
  });
}

export function textAt(fields: Fields, name: string, at: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`${placeOf(name, at)} is not a string`);
  return value;
}

export function numberAt(fields: Fields, name: string, at: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new Error(`${placeOf(name, at)} is not a number`);
  return value;
}

/** An object whose values are all of one kind. */
export function mapAt<Value>(
  fields: Fields,
  name: string,
  at: string,
  read: (fields: Fields, name: string, at: string) => Value,
): Readonly<Record<string, Value>> {
  const place = placeOf(name, at);
  const values = objectAt(fields[name], place);
  return Object.fromEntries(Object.keys(values).map((key) => [key, read(values, key, place)]));
}

function arrayAt(fields: Fields, name: string, at: string): readonly unknown[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new Error(`${placeOf(name, at)} is not a list`);
  return value;
}

export function placeOf(name: string, at: string): string {
  return at === '' ? name : `${at}.${name}`;
}
