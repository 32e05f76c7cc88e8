import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import { fieldComments } from '@planton/api/field-comments';
import type { ManifestKind } from '../kinds/kind.ts';
import { fieldsByName, manifestName } from '../read/names.ts';
import { choicesOf } from '../read/read-message.ts';
import { isRequired } from '../read/require-fields.ts';
import { nearest } from '../source/suggest.ts';

/** What a kind, or one of its fields, is for. */
export interface Explanation {
  /** Path from the kind, such as `AwsProviderConnection.spec.region`. */
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
  /** The names that it takes, each with its meaning, where it takes only some. */
  readonly choices: readonly { readonly name: string; readonly description: string }[];
  readonly fields: readonly ExplainedField[];
}

export interface ExplainedField {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly description: string;
}

/** Explains a kind, or the field at a path of names; where a name is wrong, says so. */
export function explainKind(
  kind: ManifestKind,
  path: readonly string[],
): Explanation | { readonly unknown: string; readonly suggestion: string } {
  let desc: DescMessage | undefined = kind.schema;
  let field: DescField | undefined;
  const names = [kind.name];
  for (const name of path) {
    const next: DescField | undefined = desc && fieldsByName(desc).get(name);
    if (!next) return unknownField(names, name, desc);
    field = next;
    desc = isScalarLike(next.message) ? undefined : next.message;
    names.push(manifestName(next));
  }
  const commentKey = field ? `${field.parent.typeName}.${field.name}` : kind.schema.typeName;
  return {
    path: names.join('.'),
    type: field ? typeOf(field) : 'manifest',
    required: field ? mustBeGiven(field) : false,
    description: fieldComments[commentKey] ?? '',
    choices: field ? explainChoices(field) : [],
    fields: (desc?.fields ?? []).map(explainField),
  };
}

function explainField(field: DescField): ExplainedField {
  return {
    name: manifestName(field),
    type: typeOf(field),
    required: mustBeGiven(field),
    description: fieldComments[`${field.parent.typeName}.${field.name}`] ?? '',
  };
}

function explainChoices(field: DescField): Explanation['choices'] {
  const values = field.enum?.values.filter(({ number }) => number !== 0) ?? [];
  return choicesOf(field).map((name, index) => ({
    name,
    description: fieldComments[`${field.enum?.typeName}.${values[index]?.name}`] ?? '',
  }));
}

function unknownField(names: readonly string[], name: string, desc: DescMessage | undefined) {
  const fields = desc?.fields.map(manifestName) ?? [];
  const close = nearest(name, fields);
  const list = fields.length > 0 ? `its fields are ${fields.join(', ')}` : 'it has no fields';
  return {
    unknown: `${names.join('.')} has no field \`${name}\``,
    suggestion: close ? `did you mean \`${close}\`?` : list,
  };
}

function mustBeGiven(field: DescField): boolean {
  if (field.name === 'api_version' || field.name === 'kind') return true;
  return isRequired(field);
}

function isScalarLike(message: DescMessage | undefined): boolean {
  return message?.typeName === TimestampSchema.typeName || message?.typeName === DurationSchema.typeName;
}

function typeOf(field: DescField): string {
  if (field.fieldKind === 'list') return `list of ${itemType(field)}`;
  if (field.fieldKind === 'map') return `map of ${itemType(field)}`;
  return itemType(field);
}

function itemType(field: DescField): string {
  if (field.message?.typeName === TimestampSchema.typeName) return 'time';
  if (field.message) return field.message.name;
  if (field.enum) return choicesOf(field).join(' | ');
  if (field.scalar === ScalarType.STRING) return 'string';
  if (field.scalar === ScalarType.BOOL) return 'boolean';
  return 'number';
}
