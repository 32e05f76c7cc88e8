import type { DescEnum, DescExtension, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import {
  Edition,
  type FieldDescriptorProto,
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
} from '@bufbuild/protobuf/wkt';

/**
 * Prints a descriptor back as proto source: enough for a compiler to read the same messages, enums and extensions.
 * Options and comments are left out.
 *
 * The validation rules have no other offline source than the descriptor that their own library carries.
 */
export function printProto(file: DescFile): string {
  const lines = [
    file.edition === Edition.EDITION_PROTO2 ? 'syntax = "proto2";' : 'syntax = "proto3";',
    `package ${file.proto.package};`,
    ...file.proto.dependency.map((path) => `import "${path}";`),
    ...file.enums.flatMap(printEnum),
    ...file.messages.flatMap(printMessage),
    ...file.extensions.flatMap(printExtension),
  ];
  return `${lines.join('\n')}\n`;
}

function printMessage(message: DescMessage): string[] {
  if (message.proto.options?.mapEntry) return [];
  const body = [
    ...message.nestedEnums.flatMap(printEnum),
    ...message.nestedMessages.flatMap(printMessage),
    ...message.nestedExtensions.flatMap(printExtension),
    ...message.members.flatMap((member) =>
      member.kind === 'oneof'
        ? [`oneof ${member.name} {`, ...indent(member.fields.map((field) => printField(field, false))), '}']
        : [printField(member, true)],
    ),
    ...message.proto.extensionRange.map(
      ({ start, end }) => `extensions ${start} to ${end > 536870911 ? 'max' : end - 1};`,
    ),
    ...message.proto.reservedRange.map(({ start, end }) => `reserved ${start} to ${end - 1};`),
    ...message.proto.reservedName.map((name) => `reserved "${name}";`),
  ];
  return [`message ${message.name} {`, ...indent(body), '}'];
}

function printField(field: DescField, labelled: boolean): string {
  if (field.fieldKind === 'map') {
    const entry = field.message ?? field.enum;
    const value = entry ? `.${entry.typeName}` : scalarName(field.scalar ?? 0);
    return `map<${scalarName(field.mapKey)}, ${value}> ${field.name} = ${field.number};`;
  }
  return `${labelled ? label(field.proto) : ''}${typeName(field.proto)} ${field.name} = ${field.number};`;
}

function printExtension(extension: DescExtension): string[] {
  const { proto } = extension;
  return [
    `extend .${extension.extendee.typeName} {`,
    ...indent([`${label(proto)}${typeName(proto)} ${extension.name} = ${extension.number};`]),
    '}',
  ];
}

function printEnum(enumeration: DescEnum): string[] {
  return [
    `enum ${enumeration.name} {`,
    ...indent(enumeration.values.map((value) => `${value.name} = ${value.number};`)),
    '}',
  ];
}

function label(proto: FieldDescriptorProto): string {
  if (proto.label === FieldDescriptorProto_Label.REPEATED) return 'repeated ';
  return proto.label === FieldDescriptorProto_Label.REQUIRED ? 'required ' : 'optional ';
}

function typeName(proto: FieldDescriptorProto): string {
  return proto.typeName || scalarName(proto.type);
}

function scalarName(type: number): string {
  return FieldDescriptorProto_Type[type]?.toLowerCase() ?? `type${type}`;
}

function indent(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
