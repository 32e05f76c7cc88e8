import {
  create,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonObject,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import { createValidator, type Violation } from '@bufbuild/protovalidate';

/** Repairs that a message may need before it is given up. */
const REPAIRS = 40;

/** Texts that fields of a form of their own accept; tried in turn after the one that was asked for. */
const TEXTS = [
  'aws',
  '123456789012',
  'us-west-2',
  'value',
  'arn:aws:iam::123456789012:role/nothing',
  'arn:aws:iam::123456789012:policy/nothing',
];

/** What rules across several fields demand cannot be found by mending one after the other. */
const STARTS: Readonly<Record<string, JsonObject>> = {
  'planton.connect.v1.ApplyConnectionRequest': {
    connection: {
      aws: {
        spec: {
          accountId: { value: '123456789012' },
          region: { value: 'us-west-2' },
          accessKeyId: { secret: 'nothing' },
          secretAccessKey: { secret: 'nothing' },
        },
      },
    },
  },
};

const validator = createValidator();

/**
 * Makes a message that the rules of its contract accept, with as little in it as they demand.
 *
 * @param given fields that are set from the start, where the message has them
 * @param name what every text says that may say anything: the name of something that does not exist
 * @throws Error when no such message is found: then the rules need a text that this does not know
 */
export function fillMessage(
  schema: DescMessage,
  given: Readonly<Record<string, unknown>>,
  name: string,
): Message {
  const message = fromJson(schema, STARTS[schema.typeName] ?? {});
  const fields = reflect(schema, message);
  for (const field of schema.fields) {
    const value = given[field.localName];
    if (field.fieldKind === 'list')
      for (const item of (value ?? []) as unknown[]) fields.get(field).add(item as never);
    else if (value !== undefined) fields.set(field, value as never);
  }
  for (let repair = 0; repair < REPAIRS; repair++) {
    const [violation] = violationsOf(schema, message);
    if (!violation) return message;
    if (!mend(fields, violation, name, () => violationsOf(schema, message))) break;
  }
  const left = violationsOf(schema, message).map((each) => `${pathOf(each)}: ${each.message}`);
  throw new Error(`no ${schema.typeName} is known that its rules accept: ${left.join('; ')}`);
}

/** The fields of a message that hold one text: names of things, for the most part. */
export function textFields(schema: DescMessage): readonly DescField[] {
  return schema.fields.filter((field) => field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING);
}

function violationsOf(schema: DescMessage, message: Message): readonly Violation[] {
  const result = validator.validate(schema, message);
  if (result.kind === 'error') throw result.error;
  return result.kind === 'valid' ? [] : result.violations;
}

function pathOf({ field }: Violation): string {
  return field.map((part) => ('name' in part ? part.name : part.kind)).join('.');
}

/** Changes the field that a violation is about until the violation is gone. */
function mend(
  root: ReflectMessage,
  violation: Violation,
  name: string,
  remaining: () => readonly Violation[],
): boolean {
  const path = pathOf(violation);
  const isGone = () => !remaining().some((each) => pathOf(each) === path);
  let at = root;
  for (const [index, part] of violation.field.entries()) {
    if (part.kind === 'oneof') {
      const [first] = part.fields;
      if (first) at.set(first, emptyOf(first, name) as never);
      return true;
    }
    if (part.kind !== 'field') continue;
    const next = violation.field[index + 1];
    if (next?.kind === 'list_sub' && part.fieldKind === 'list' && part.listKind === 'message') {
      at = at.get(part).get(next.index) as ReflectMessage;
      continue;
    }
    if (next && part.fieldKind === 'message') {
      at = at.get(part) as ReflectMessage;
      continue;
    }
    const candidates =
      part.fieldKind === 'list'
        ? [emptyOf(part, name)]
        : [...demandedBy(violation), ...candidatesFor(part, name)];
    for (const candidate of candidates) {
      if (part.fieldKind === 'list') at.get(part).add(candidate as never);
      else if (part.fieldKind === 'map') at.get(part).set('value', candidate as never);
      else at.set(part, candidate as never);
      if (isGone()) return true;
    }
    // Another violation may be left in what was just added.
    return part.fieldKind === 'message';
  }
  return false;
}

/** The one text that a rule accepts, as its message says. */
function demandedBy({ message }: Violation): readonly string[] {
  return /^must equal `(.+)`$/.exec(message)?.slice(1) ?? [];
}

function candidatesFor(field: DescField, name: string): readonly unknown[] {
  switch (field.fieldKind) {
    case 'enum':
      return field.enum.values.map(({ number }) => number).filter((number) => number > 0);
    case 'message':
      return [emptyOf(field, name)];
    case 'map':
      return ['value'];
    case 'scalar':
      switch (field.scalar) {
        case ScalarType.STRING:
          return [name, ...TEXTS, `${name}@example.com`];
        case ScalarType.BYTES:
          return [16, 32, 64].map((size) => new Uint8Array(size).fill(7));
        case ScalarType.BOOL:
          return [true];
        case ScalarType.INT64:
        case ScalarType.UINT64:
          return [1n, 60n, 900n];
        default:
          return [1, 60, 900];
      }
    default:
      return [];
  }
}

function emptyOf(field: DescField, name: string): unknown {
  if (field.message?.typeName === DurationSchema.typeName)
    return reflect(field.message, create(field.message, { seconds: 60n } as never));
  if (field.message && field.fieldKind !== 'map') return reflect(field.message, create(field.message));
  if (field.enum) return field.enum.values[1]?.number ?? 0;
  return name;
}
