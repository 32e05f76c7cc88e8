import { Document, Scalar, visit } from 'yaml';
import { kinds, type ManifestMessage } from '../kinds/kind.ts';
import { type ManifestValue, toManifestObject } from './to-manifest-object.ts';

/** Writes a message as the YAML document that `readManifests` reads back as the same message. */
export function writeManifest(message: ManifestMessage): string {
  const kind = kinds.find(({ schema }) => schema.typeName === message.$typeName);
  if (!kind) throw new TypeError(`${message.$typeName} is no manifest kind`);
  return writeYaml(toManifestObject(kind.schema, message));
}

/** Control characters that YAML does not allow as they are, and that JSON, whose escapes are used in quotes, does. */
const UNESCAPED = /[\u007f-\u0084\u0086-\u009f]/g;

/** Writes a value as YAML that YAML 1.1 and 1.2 readers understand alike: whatever looks like another type is quoted. */
export function writeYaml(value: ManifestValue): string {
  const document = new Document(value, { compat: 'yaml-1.1', aliasDuplicateObjects: false });
  visit(document, {
    Scalar: (_key, scalar) => {
      if (typeof scalar.value === 'string' && scalar.value.search(UNESCAPED) !== -1) {
        scalar.type = Scalar.QUOTE_DOUBLE;
      }
    },
  });
  const text = document.toString({ lineWidth: 0 });
  return text.replace(UNESCAPED, (character) => `\\x${character.charCodeAt(0).toString(16)}`);
}
