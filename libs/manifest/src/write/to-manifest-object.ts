import { type DescMessage, type Message, ScalarType, toJson } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { type Duration, DurationSchema, type Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { enumNames, manifestName } from '../read/names.ts';

/** A value in the manifest dialect, ready for YAML or JSON. */
export type ManifestValue = string | number | boolean | readonly ManifestValue[] | ManifestObject;
export interface ManifestObject {
  readonly [field: string]: ManifestValue;
}

/** Any message in the manifest dialect: snake_case, enums by their short names, what is empty left out. */
export function toManifestObject(schema: DescMessage, message: Message): ManifestObject {
  return objectOf(reflect(schema, message));
}

function objectOf(message: ReflectMessage): ManifestObject {
  const entries: [string, ManifestValue][] = [];
  for (const field of message.fields) {
    if (!message.isSet(field)) continue;
    const name = manifestName(field);
    switch (field.fieldKind) {
      case 'scalar':
        entries.push([name, scalarOf(field.scalar, message.get(field))]);
        break;
      case 'enum':
        entries.push([name, enumNames(field.enum).toName.get(message.get(field)) ?? message.get(field)]);
        break;
      case 'message':
        entries.push([name, messageOf(message.get(field))]);
        break;
      case 'list':
        entries.push([name, [...message.get(field)].map((item) => itemOf(field, item))]);
        break;
      case 'map': {
        const items = [...message.get(field)].map(
          ([key, item]) => [String(key), itemOf(field, item)] as const,
        );
        entries.push([name, Object.fromEntries(items.sort(([a], [b]) => (a < b ? -1 : 1)))]);
        break;
      }
    }
  }
  return Object.fromEntries(entries);
}

function itemOf(field: ReflectMessage['fields'][number], item: unknown): ManifestValue {
  if (field.message) return messageOf(item as ReflectMessage);
  if (field.enum) return enumNames(field.enum).toName.get(item as number) ?? (item as number);
  return scalarOf(field.scalar ?? ScalarType.STRING, item);
}

function messageOf(message: ReflectMessage): ManifestValue {
  if (message.desc.typeName === TimestampSchema.typeName)
    return toJson(TimestampSchema, message.message as Timestamp);
  if (message.desc.typeName === DurationSchema.typeName)
    return toJson(DurationSchema, message.message as Duration);
  return objectOf(message);
}

function scalarOf(type: ScalarType, value: unknown): ManifestValue {
  if (type === ScalarType.BYTES) return base64Encode(value as Uint8Array);
  if (typeof value === 'bigint') return String(value);
  return value as string | number | boolean;
}
