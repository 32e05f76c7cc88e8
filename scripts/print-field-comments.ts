import { fromBinary } from '@bufbuild/protobuf';
import { type DescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const MESSAGES = 4;
const ENUMS = 5;
const FIELDS = 2;
const NESTED = 3;
const VALUES = 2;

/**
 * Prints a TypeScript module with the comments of every message, field, enum and value that a manifest can contain, by
 * full name. Generated message code carries no comments at run time; `planton explain` shows these.
 *
 * @param image a serialised google.protobuf.FileDescriptorSet with source information
 */
export function printFieldComments(image: Uint8Array): string {
  const comments: Record<string, string> = {};
  for (const file of fromBinary(FileDescriptorSetSchema, image).file) {
    if (!/^planton\.(common|connect)\.v1$/.test(file.package) || file.name.endsWith('_service.proto'))
      continue;
    const texts = new Map(
      file.sourceCodeInfo?.location.map(({ path, leadingComments }) => [
        path.join('.'),
        leadingComments.trim(),
      ]),
    );
    const record = (name: string, path: readonly number[]) => {
      const text = texts.get(path.join('.'));
      if (text) comments[name] = text.replace(/\s*\n\s*/g, ' ');
    };
    const visit = (message: DescriptorProto, name: string, path: readonly number[]) => {
      record(name, path);
      for (const [i, field] of message.field.entries()) record(`${name}.${field.name}`, [...path, FIELDS, i]);
      for (const [i, nested] of message.nestedType.entries())
        visit(nested, `${name}.${nested.name}`, [...path, NESTED, i]);
    };
    for (const [i, message] of file.messageType.entries())
      visit(message, `${file.package}.${message.name}`, [MESSAGES, i]);
    for (const [i, enumeration] of file.enumType.entries()) {
      const name = `${file.package}.${enumeration.name}`;
      record(name, [ENUMS, i]);
      for (const [j, value] of enumeration.value.entries())
        record(`${name}.${value.name}`, [ENUMS, i, VALUES, j]);
    }
  }
  return [
    '// Generated from the comments in proto/. Do not edit.',
    `export const fieldComments: Readonly<Record<string, string>> = ${JSON.stringify(comments, null, 2)};`,
    '',
  ].join('\n');
}
