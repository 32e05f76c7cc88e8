import { type DescEnum, fromJson, ScalarType } from '@bufbuild/protobuf';
import { base64Decode } from '@bufbuild/protobuf/wire';
import { DurationSchema, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { Scalar } from 'yaml';
import { nearest } from '../source/suggest.ts';
import { enumNames } from './names.ts';

/** A value, or what is wrong with the text. */
export type ScalarResult =
  | { readonly value: unknown }
  | { readonly problem: string; readonly suggestion?: string };

/** Whether YAML says that there is nothing here: an empty value, `~` or `null`, unquoted. */
export function isNothing(scalar: Scalar): boolean {
  return scalar.type === 'PLAIN' && /^(?:~|null|Null|NULL)?$/.test(textOf(scalar));
}

/** The text of a scalar exactly as it was written, so that `012` keeps its zero and `on` stays a word. */
export function textOf(scalar: Scalar): string {
  return String(scalar.value ?? '');
}

/** Reads a scalar as the type of a field. */
export function readScalar(type: ScalarType, text: string): ScalarResult {
  switch (type) {
    case ScalarType.STRING:
      return { value: text };
    case ScalarType.BOOL:
      if (text === 'true' || text === 'false') return { value: text === 'true' };
      return { problem: 'takes true or false' };
    case ScalarType.BYTES:
      return attempt(() => base64Decode(text), 'takes base64 text');
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return readFloat(type, text);
    default:
      return readInteger(type, text);
  }
}

/** Reads an enum's value by its name in manifests. */
export function readEnum(desc: DescEnum, text: string): ScalarResult {
  const names = enumNames(desc);
  const number = names.toNumber.get(text.toLowerCase()) ?? names.byProtoName.get(text);
  if (number !== undefined) return { value: number };
  const choices = [...names.toNumber.keys()];
  const close = nearest(text, choices);
  return {
    problem: `takes one of ${choices.join(', ')}`,
    ...(close ? { suggestion: `did you mean \`${close}\`?` } : {}),
  };
}

/** Reads the well-known messages that are written as one scalar. */
export function readWellKnown(typeName: string, text: string): ScalarResult | undefined {
  if (typeName === TimestampSchema.typeName)
    return attempt(() => fromJson(TimestampSchema, text), 'takes a time such as `2026-01-31T12:00:00Z`');
  if (typeName === DurationSchema.typeName)
    return attempt(() => fromJson(DurationSchema, text), 'takes a duration in seconds such as `900s`');
  return undefined;
}

const integerRanges = new Map<ScalarType, readonly [bigint, bigint]>([
  [ScalarType.INT32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ScalarType.SINT32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ScalarType.SFIXED32, [-(2n ** 31n), 2n ** 31n - 1n]],
  [ScalarType.UINT32, [0n, 2n ** 32n - 1n]],
  [ScalarType.FIXED32, [0n, 2n ** 32n - 1n]],
  [ScalarType.UINT64, [0n, 2n ** 64n - 1n]],
  [ScalarType.FIXED64, [0n, 2n ** 64n - 1n]],
]);
const signed64 = [-(2n ** 63n), 2n ** 63n - 1n] as const;

function readInteger(type: ScalarType, text: string): ScalarResult {
  const [least, most] = integerRanges.get(type) ?? signed64;
  if (!/^-?\d{1,20}$/.test(text)) return { problem: 'takes a whole number' };
  const value = BigInt(text);
  if (value < least || value > most) return { problem: `takes a whole number from ${least} to ${most}` };
  return { value: most <= 2n ** 32n ? Number(value) : value };
}

function readFloat(type: ScalarType, text: string): ScalarResult {
  const value = /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value) || (type === ScalarType.FLOAT && !Number.isFinite(Math.fround(value))))
    return { problem: 'takes a number' };
  return { value };
}

function attempt(read: () => unknown, problem: string): ScalarResult {
  try {
    return { value: read() };
  } catch {
    return { problem };
  }
}
