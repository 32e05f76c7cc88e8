import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';

/** The fields of a message by both names that manifests may use: `account_id` and `accountId`. */
export function fieldsByName(desc: DescMessage): ReadonlyMap<string, DescField> {
  const cached = fieldCache.get(desc);
  if (cached) return cached;
  const fields = new Map(
    desc.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]),
  );
  fieldCache.set(desc, fields);
  return fields;
}

export interface EnumNames {
  /** `inline` to 1; without the value that means nothing. */
  readonly toNumber: ReadonlyMap<string, number>;
  /** `AUTH_MODE_INLINE` to 1. */
  readonly byProtoName: ReadonlyMap<string, number>;
  /** 1 to `inline`. */
  readonly toName: ReadonlyMap<number, string>;
}

/** The names of an enum's values in manifests: lowercase, without the prefix that all values share. */
export function enumNames(desc: DescEnum): EnumNames {
  const cached = enumCache.get(desc);
  if (cached) return cached;
  const values = desc.values.filter(({ number }) => number !== 0);
  const short = (name: string) => name.slice(desc.sharedPrefix?.length ?? 0).toLowerCase();
  const names: EnumNames = {
    toNumber: new Map(values.map(({ name, number }) => [short(name), number])),
    byProtoName: new Map(values.map(({ name, number }) => [name, number])),
    toName: new Map(values.map(({ name, number }) => [number, short(name)])),
  };
  enumCache.set(desc, names);
  return names;
}

/** How manifests spell a field: as the proto does, but for `apiVersion`, which the whole field spells so. */
export function manifestName(field: DescField): string {
  return field.name === 'api_version' ? 'apiVersion' : field.name;
}

const fieldCache = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();
const enumCache = new WeakMap<DescEnum, EnumNames>();
