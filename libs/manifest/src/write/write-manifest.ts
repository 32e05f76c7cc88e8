import { stringify } from 'yaml';
import { kinds, type ManifestMessage } from '../kinds/kind.ts';
import { type ManifestValue, toManifestObject } from './to-manifest-object.ts';

/** Writes a message as the YAML document that `readManifests` reads back as the same message. */
export function writeManifest(message: ManifestMessage): string {
  const kind = kinds.find(({ schema }) => schema.typeName === message.$typeName);
  if (!kind) throw new TypeError(`${message.$typeName} is no manifest kind`);
  return writeYaml(toManifestObject(kind.schema, message));
}

/** Writes a value as YAML that YAML 1.1 and 1.2 readers understand alike: whatever looks like another type is quoted. */
export function writeYaml(value: ManifestValue): string {
  return stringify(value, { lineWidth: 0, compat: 'yaml-1.1', aliasDuplicateObjects: false });
}
