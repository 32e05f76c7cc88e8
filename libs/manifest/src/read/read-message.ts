import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { isSafeKey, type Visibility } from '../source/problem.ts';
import { nearest } from '../source/suggest.ts';
import { enumNames, fieldsByName, manifestName } from './names.ts';
import { isNothing, readEnum, readScalar, readWellKnown, type ScalarResult, textOf } from './read-scalar.ts';
import { follow, type Reading, rangeOf, report } from './reading.ts';
import { requireFields } from './require-fields.ts';

const secretReference = 'planton.common.v1.SecretReference';

/** Messages that may be written as their one usual field: `region: us-west-2` for `region: {value: us-west-2}`. */
const shorthands: ReadonlyMap<string, string> = new Map([['planton.common.v1.ValueOrVariable', 'value']]);

/**
 * Reads a YAML map as a message, field by field as the descriptor says. What is wrong goes on record in `reading`; the
 * message is whole only if nothing was recorded.
 */
export function readMessage(reading: Reading, desc: DescMessage, map: YAMLMap): ReflectMessage {
  const message = reflect(desc);
  const seen = new Map<DescField, string>();
  for (const pair of map.items) readField(reading, message, pair as Pair<Node, Node | null>, seen);
  requireFields(reading, desc, seen, map);
  return message;
}

function readField(
  reading: Reading,
  message: ReflectMessage,
  pair: Pair<Node, Node | null>,
  seen: Map<DescField, string>,
): void {
  const { key } = pair;
  if (!isScalar(key)) {
    report(reading, key, 'hidden', 'a field name has to be a word');
    return;
  }
  const name = textOf(key);
  const field = fieldsByName(message.desc).get(name);
  if (!field) {
    reportUnknown(reading, message.desc, key, name);
    return;
  }

  const given = seen.get(field);
  if (given !== undefined) {
    report(reading, key, 'shown', `\`${name}\` is the same field as \`${given}\``, 'give it once');
    return;
  }
  const value = pair.value === null ? undefined : follow(reading, pair.value);
  if (!value || (isScalar(value) && isNothing(value))) return;
  const rival = field.oneof && [...seen].find(([other]) => other.oneof === field.oneof)?.[1];
  seen.set(field, name);
  if (rival) {
    report(reading, key, 'shown', `\`${name}\` cannot stand beside \`${rival}\``, 'give only one of the two');
    return;
  }
  readValue(reading, message, field, value);
}

function readValue(reading: Reading, message: ReflectMessage, field: DescField, value: Node): void {
  const name = manifestName(field);
  switch (field.fieldKind) {
    case 'scalar': {
      const visibility = message.desc.typeName === secretReference ? 'hidden' : 'shown';
      const text = scalarText(reading, name, value, visibility);
      if (text === undefined) return;
      if (visibility === 'hidden' && field.name === 'secret' && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(text)) {
        report(
          reading,
          value,
          'hidden',
          '`secret` takes the slug of a secret, never the value itself',
          storeFirst,
        );
        return;
      }
      accept(reading, value, name, visibility, readScalar(field.scalar, text), (read) =>
        message.set(field, read),
      );
      return;
    }
    case 'enum': {
      const text = scalarText(reading, name, value, 'shown');
      if (text === undefined) return;
      accept(reading, value, name, 'shown', readEnum(field.enum, text), (read) => message.set(field, read));
      return;
    }
    case 'message': {
      const read = readSubMessage(reading, field.message, name, value);
      if (read) message.set(field, read);
      return;
    }
    case 'list':
      readList(reading, message, field, value);
      return;
    case 'map':
      readMap(reading, message, field, value);
      return;
  }
}

function readSubMessage(
  reading: Reading,
  desc: DescMessage,
  name: string,
  value: Node,
): ReflectMessage | undefined {
  if (isMap(value)) return readMessage(reading, desc, value);
  if (desc.typeName === secretReference) {
    report(
      reading,
      value,
      'hidden',
      `\`${name}\` takes a reference to a secret, never the value itself`,
      storeFirst,
    );
    return undefined;
  }
  if (isScalar(value)) {
    const wellKnown = readWellKnown(desc.typeName, textOf(value));
    if (wellKnown) {
      let read: ReflectMessage | undefined;
      accept(reading, value, name, 'shown', wellKnown, (known) => {
        read = reflect(desc, known as Parameters<typeof reflect>[1]);
      });
      return read;
    }
    const shorthand = fieldsByName(desc).get(shorthands.get(desc.typeName) ?? '');
    if (shorthand) {
      const message = reflect(desc);
      readValue(reading, message, shorthand, value);
      return message;
    }
  }
  const fields = desc.fields.map(manifestName).join(', ');
  report(
    reading,
    value,
    'hidden',
    `\`${name}\` takes a map, found ${nounOf(value)}`,
    `its fields are ${fields}`,
  );
  return undefined;
}

function readList(
  reading: Reading,
  message: ReflectMessage,
  field: DescField & { fieldKind: 'list' },
  value: Node,
): void {
  const name = manifestName(field);
  if (!isSeq(value)) {
    report(
      reading,
      value,
      'hidden',
      `\`${name}\` takes a list, found ${nounOf(value)}`,
      'write `- ` before each item',
    );
    return;
  }
  const list = message.get(field);
  for (const item of value.items as Node[]) {
    const node = follow(reading, item);
    if (!node) return;
    if (field.listKind === 'message') {
      const read = readSubMessage(reading, field.message, name, node);
      if (read) list.add(read);
      continue;
    }
    const text = isScalar(node) && isNothing(node) ? undefined : scalarText(reading, name, node, 'shown');
    if (text === undefined) {
      if (isScalar(node)) report(reading, rangeOf(node), 'shown', `\`${name}\` has an empty item`);
      continue;
    }
    const result = field.listKind === 'enum' ? readEnum(field.enum, text) : readScalar(field.scalar, text);
    accept(reading, node, name, 'shown', result, (read) => list.add(read));
  }
}

function readMap(
  reading: Reading,
  message: ReflectMessage,
  field: DescField & { fieldKind: 'map' },
  value: Node,
): void {
  const name = manifestName(field);
  if (!isMap(value)) {
    report(reading, value, 'hidden', `\`${name}\` takes a map, found ${nounOf(value)}`);
    return;
  }
  const entries = message.get(field);
  for (const { key, value: item } of value.items as Pair<Node, Node | null>[]) {
    if (!isScalar(key)) {
      report(reading, key, 'hidden', `a key of \`${name}\` has to be a word`);
      continue;
    }
    // A message keeps its map in a plain object, which this key would reach behind.
    if (textOf(key) === '__proto__') {
      report(reading, key, 'shown', `\`__proto__\` cannot be a key of \`${name}\``, 'choose another key');
      continue;
    }
    const node = item === null ? undefined : follow(reading, item);
    const keyResult = readScalar(field.mapKey, textOf(key));
    accept(reading, key, name, 'shown', keyResult, (entryKey) => {
      const set = (read: unknown) => entries.set(entryKey as string, read);
      if (field.mapKind === 'message') {
        const read = node && readSubMessage(reading, field.message, name, node);
        if (read) set(read);
        return;
      }
      const text =
        !node || (isScalar(node) && isNothing(node)) ? '' : scalarText(reading, name, node, 'shown');
      if (text === undefined) return;
      const result = field.mapKind === 'enum' ? readEnum(field.enum, text) : readScalar(field.scalar, text);
      accept(reading, node ?? key, name, 'shown', result, set);
    });
  }
}

const storeFirst = 'use `secret: SLUG`; store the value with: planton secret set SLUG --stdin value';

function accept(
  reading: Reading,
  node: Node,
  name: string,
  visibility: Visibility,
  result: ScalarResult,
  take: (value: unknown) => void,
): void {
  if ('problem' in result)
    report(reading, node, visibility, `\`${name}\` ${result.problem}`, result.suggestion);
  else take(result.value);
}

/** The text of a scalar; anything else goes on record. Explicit tags could mean another type, so they are refused. */
function scalarText(reading: Reading, name: string, node: Node, visibility: Visibility): string | undefined {
  if (!isScalar(node)) {
    report(reading, node, 'hidden', `\`${name}\` takes a single value, found ${nounOf(node)}`);
    return undefined;
  }
  if (node.tag !== undefined && node.tag !== 'tag:yaml.org,2002:str') {
    report(
      reading,
      node,
      visibility,
      `\`${name}\` has a YAML tag`,
      'leave the tag out; values are read as text',
    );
    return undefined;
  }
  return textOf(node);
}

function reportUnknown(reading: Reading, desc: DescMessage, key: Scalar, name: string): void {
  const close = nearest(name, fieldsByName(desc).keys());
  const fields = `the fields here are ${desc.fields.map(manifestName).join(', ')}`;
  if (desc.typeName === secretReference && !close) {
    report(reading, key, 'hidden', 'a secret is referred to by its slug, never given as a value', storeFirst);
  } else if (name === '<<') {
    report(reading, key, 'shown', 'YAML merge keys are not read', 'write the fields out');
  } else if (isSafeKey(name)) {
    const suggestion = close ? `did you mean \`${close}\`?` : fields;
    report(reading, key, 'shown', `unknown field \`${name}\``, suggestion);
  } else {
    report(reading, key, 'hidden', 'unknown field', fields);
  }
}

function nounOf(node: Node): string {
  if (isMap(node)) return 'a map';
  if (isSeq(node)) return 'a list';
  return 'a single value';
}

/** The names that an enum field takes, for those who explain. */
export function choicesOf(field: DescField): readonly string[] {
  return field.enum ? [...enumNames(field.enum).toNumber.keys()] : [];
}
