export type { ManifestDocument } from './document.ts';
export { type ExplainedField, type Explanation, explainKind } from './explain/explain-kind.ts';
export {
  apiVersion,
  findKind,
  kinds,
  type ManifestKind,
  type ManifestMessage,
  suggestKind,
} from './kinds/kind.ts';
export { locateField, problemOfField } from './locate-field.ts';
export { type ReadOptions, readManifests } from './read/read-manifests.ts';
export { type Excerpt, formatProblem, type Problem } from './source/problem.ts';
export type { Position } from './source/source.ts';
export { nearest } from './source/suggest.ts';
export { validateManifest } from './validate-manifest.ts';
export { type ManifestObject, type ManifestValue, toManifestObject } from './write/to-manifest-object.ts';
export { writeManifest, writeYaml } from './write/write-manifest.ts';
