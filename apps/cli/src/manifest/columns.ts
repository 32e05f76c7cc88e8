import { type Message, ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import {
  type ManifestKind,
  type ManifestMessage,
  type ManifestObject,
  toManifestObject,
} from '@planton/manifest';
import type { Column } from '../output/format-table.ts';
import type { Printable } from '../output/print-messages.ts';
import { operationsOf } from './operations.ts';

/**
 * How the objects of a kind are listed: the name, what the spec holds of plain values and values-or-variables, and for
 * connections where they are the default. It follows from the contract, so a new kind needs nothing here.
 */
export function printableOf(kind: ManifestKind): Printable<ManifestMessage> {
  const { nameOf } = operationsOf(kind);
  const spec = kind.schema.fields.find(({ name }) => name === 'spec')?.message;
  const shown = spec?.fields.filter((field) => {
    if (field.fieldKind === 'enum' || field.message?.name === 'ValueOrVariable') return true;
    if (kind.provider !== undefined) return field.name === 'runner';
    return field.fieldKind === 'list' || (field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING);
  });
  const specColumns = (shown ?? []).map(
    ({ name }): Column<ManifestMessage> => [heading(name), (message) => cellOf(specOf(kind, message)[name])],
  );
  const hasStatus = kind.schema.fields.some(({ name }) => name === 'status');
  const defaults: Column<ManifestMessage> = [
    'DEFAULT FOR',
    (message) => ('status' in message ? (message.status?.defaultFor ?? []).join(', ') : ''),
  ];
  return {
    schema: kind.schema,
    columns: [['NAME', nameOf], ...specColumns, ...(hasStatus ? [defaults] : [])],
  };
}

function specOf(kind: ManifestKind, message: Message): ManifestObject {
  const { spec } = toManifestObject(kind.schema, reflect(kind.schema, message).message);
  return typeof spec === 'object' && !Array.isArray(spec) ? (spec as ManifestObject) : {};
}

function cellOf(value: ManifestObject[string] | undefined): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.join(', ');
  if (typeof value !== 'object') return String(value);
  const { value: literal, variable } = value as ManifestObject;
  return literal === undefined ? `variable ${variable}` : String(literal);
}

function heading(name: string): string {
  return name.replaceAll('_', ' ').toUpperCase();
}
