import { type DescEnum, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';

/** Text that readers of YAML tend to take for something else. */
const trickyText = fc.constantFrom(
  '',
  ' ',
  'null',
  '~',
  'on',
  'yes',
  'true',
  '1e3',
  '012345678901',
  '0x1F',
  '2026-01-31',
  '1:30',
  '- a',
  'a: b',
  '# c',
  '<<',
  '*a',
  '&a',
  '!x',
  '%x',
  '@x',
  '`x',
  "'",
  '"',
  '\\',
  '---',
  '...',
  '\n',
  'a\nb\n',
  '\r',
  'a\r\nb',
  '\t',
  ' a ',
  '\u0085',
  '\u2028',
  '\ufeff',
  '[',
  '{',
  '|',
  '>',
  '?',
  ':',
  'a #b',
  '.inf',
  '=',
  '\u0000',
  '\u001b[31m',
  'é😀',
);
const text = fc.oneof(
  trickyText,
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.string({ maxLength: 100 }),
);

/** Any message of a type that its manifest can hold: every field may be absent, enums have their defined values. */
export function arbitraryMessage(
  desc: DescMessage,
  fixed: Readonly<Record<string, unknown>> = {},
): fc.Arbitrary<Message> {
  return arbitraryReflected(desc, fixed).map((reflected) => reflected.message);
}

function arbitraryReflected(
  desc: DescMessage,
  fixed: Readonly<Record<string, unknown>>,
): fc.Arbitrary<ReflectMessage> {
  const fields = desc.fields.map((field) => {
    // Never absent, not even where a counterexample is made smaller.
    if (field.name in fixed) return fc.constant(fixed[field.name]);
    const value: fc.Arbitrary<unknown> =
      field.fieldKind === 'scalar'
        ? arbitraryScalar(field.scalar)
        : field.fieldKind === 'enum'
          ? arbitraryEnum(field.enum)
          : field.fieldKind === 'message'
            ? arbitraryField(field.message)
            : field.fieldKind === 'list'
              ? fc.array(itemOf(field), { maxLength: 4 })
              : fc.dictionary(
                  text.filter((key) => key !== '__proto__'),
                  itemOf(field),
                  { maxKeys: 4 },
                );
    return fc.option(value, { nil: undefined, freq: 4 });
  });
  return fc.tuple(...fields).map((values) => {
    const message = reflect(desc);
    desc.fields.forEach((field, index) => {
      const value = values[index];
      if (value === undefined || (field.oneof && message.oneofCase(field.oneof))) return;
      if (field.fieldKind === 'list') for (const item of value as unknown[]) message.get(field).add(item);
      else if (field.fieldKind === 'map')
        for (const [key, item] of Object.entries(value as object)) message.get(field).set(key, item);
      else message.set(field, value);
    });
    return message;
  });
}

function arbitraryField(desc: DescMessage): fc.Arbitrary<ReflectMessage> {
  if (desc.typeName !== TimestampSchema.typeName) return arbitraryReflected(desc, required(desc));
  return fc
    .record({
      seconds: fc.bigInt(-62135596800n, 253402300799n),
      nanos: fc.integer({ min: 0, max: 999_999_999 }),
    })
    .map(({ seconds, nanos }) =>
      reflect(TimestampSchema, { $typeName: TimestampSchema.typeName, seconds, nanos }),
    );
}

/** What the contract demands of messages inside, so that the reader has nothing to object to. */
function required(desc: DescMessage): Readonly<Record<string, unknown>> {
  if (desc.name === 'SecretReference') return { secret: 'a-secret' };
  if (desc.name === 'ValueOrVariable') return { value: '012345678901' };
  if (desc.name !== 'AwsProviderConnectionSpec') return {};
  const region = desc.fields.find(({ name }) => name === 'region')?.message;
  if (!region) return {};
  const value = reflect(region);
  const valueField = region.fields[0];
  if (valueField) value.set(valueField, 'us-west-2');
  return { account_id: value, region: value };
}

function itemOf(field: DescMessage['fields'][number]): fc.Arbitrary<unknown> {
  if (field.message) return arbitraryField(field.message);
  return field.enum ? arbitraryEnum(field.enum) : arbitraryScalar(field.scalar ?? ScalarType.STRING);
}

function arbitraryEnum(desc: DescEnum): fc.Arbitrary<number> {
  return fc.constantFrom(...desc.values.map(({ number }) => number).filter((number) => number !== 0));
}

function arbitraryScalar(type: ScalarType): fc.Arbitrary<unknown> {
  if (type === ScalarType.STRING) return text;
  if (type === ScalarType.INT32) return fc.integer();
  throw new Error(`no arbitrary for scalar type ${type}`);
}
