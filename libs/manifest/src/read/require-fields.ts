import { type DescField, type DescMessage, type DescOneof, getOption, hasOption } from '@bufbuild/protobuf';
import {
  field as fieldRules,
  oneof as oneofRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import type { YAMLMap } from 'yaml';
import { manifestName } from './names.ts';
import { type Reading, rangeOf, report } from './reading.ts';

/** Whether the contract demands a field by itself. */
export function isRequired(field: DescField): boolean {
  return hasOption(field, fieldRules) && getOption(field, fieldRules).required;
}

/** Reports the fields that the contract demands and the map does not give. */
export function requireFields(
  reading: Reading,
  desc: DescMessage,
  seen: ReadonlyMap<DescField, string>,
  map: YAMLMap,
): void {
  for (const field of desc.fields) requireField(reading, field, seen, map);
  for (const oneof of desc.oneofs) requireOneof(reading, oneof, seen, map);
}

function requireField(
  reading: Reading,
  field: DescField,
  seen: ReadonlyMap<DescField, string>,
  map: YAMLMap,
): void {
  if (seen.has(field) || !isRequired(field)) return;
  const form =
    field.fieldKind === 'message'
      ? ` with ${field.message.fields
          .map(manifestName)
          .slice(0, 3)
          .join(field.message.oneofs.length ? ' or ' : ', ')}`
      : '';
  const name = manifestName(field);
  report(reading, startOf(map), 'hidden', `\`${name}\` is missing`, `add \`${name}:\`${form}`);
}

function requireOneof(
  reading: Reading,
  oneof: DescOneof,
  seen: ReadonlyMap<DescField, string>,
  map: YAMLMap,
): void {
  if (!hasOption(oneof, oneofRules) || !getOption(oneof, oneofRules).required) return;
  if (oneof.fields.some((field) => seen.has(field))) return;
  const names = oneof.fields.map((field) => `\`${manifestName(field)}\``).join(' or ');
  report(reading, startOf(map), 'hidden', `one of ${names} is needed here`);
}

function startOf(map: YAMLMap) {
  const { start } = rangeOf(map);
  return { start, end: start + 1 };
}
