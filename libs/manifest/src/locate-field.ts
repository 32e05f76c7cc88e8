import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { isMap, isScalar, isSeq, type Node, type Pair } from 'yaml';
import type { ManifestDocument } from './document.ts';
import { fieldsByName } from './read/names.ts';
import { type Problem, problemAt, type Visibility } from './source/problem.ts';
import { type Position, positionAt, type Range } from './source/source.ts';

interface Found {
  readonly range: Range;
  readonly visibility: Visibility;
}

/**
 * Where a field of a document is, by its protobuf path such as `spec.region.value` or `spec.capabilities[2]`. Names that a
 * request puts before it (`connection.aws.`) are skipped. A field that is not in the text is found at the nearest thing
 * around it that is.
 */
export function locateField(document: ManifestDocument, path: string): Position {
  const found = find(document, path);
  return found && document.origin ? positionAt(document.origin.source, found.range.start) : document.location;
}

/** A problem that somebody else found with a field of the document, such as the server or a validator. */
export function problemOfField(document: ManifestDocument, path: string, message: string): Problem {
  const found = find(document, path);
  if (!found || !document.origin) return { ...document.location, message };
  return problemAt(document.origin.source, found.range, found.visibility, message);
}

function find(document: ManifestDocument, path: string): Found | undefined {
  const { origin, kind } = document;
  if (!origin || !kind) return undefined;
  let node: Node | undefined = origin.root;
  let desc: DescMessage | undefined = kind.schema;
  let field: DescField | undefined;
  let found: Found = {
    range: { start: origin.root.range?.[0] ?? 0, end: (origin.root.range?.[0] ?? 0) + 1 },
    visibility: 'hidden',
  };

  for (const segment of withoutEnvelope(segmentsOf(path), kind.schema)) {
    if (isMap(node)) {
      field = desc ? fieldsByName(desc).get(segment) : field;
      const names = desc ? [field?.name, field?.jsonName] : [segment];
      const pair: Pair | undefined = node.items.find(
        ({ key }) => isScalar(key) && names.includes(String(key.value)),
      );
      if (!pair) break;
      const key = pair.key as Node;
      const value = pair.value as Node | null;
      const visible: boolean =
        field?.message?.typeName !== secretReference && desc?.typeName !== secretReference;
      found = isScalar(value) && visible ? rangeOf(value, 'shown') : rangeOf(key, 'shown');
      node = value ?? undefined;
      desc = field?.fieldKind === 'message' ? field.message : undefined;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(segment)];
      if (!item) break;
      node = item as Node;
      desc = field?.fieldKind === 'list' ? field.message : undefined;
      found = rangeOf(node, isScalar(node) ? 'shown' : 'hidden');
    } else break;
  }
  return found;
}

const secretReference = 'planton.common.v1.SecretReference';

function rangeOf(node: Node, visibility: Visibility): Found {
  const [start, end] = node.range ?? [0, 0];
  return { range: { start, end }, visibility };
}

/** `spec.labels["a.b"].x[2]` as its parts. */
function segmentsOf(path: string): string[] {
  return [...path.matchAll(/\["((?:[^"\\]|\\.)*)"\]|\[(\w+)\]|([^.[\]]+)/g)].map(
    ([, quoted, index, name]) => quoted?.replace(/\\(.)/g, '$1') ?? index ?? name ?? '',
  );
}

function withoutEnvelope(segments: string[], desc: DescMessage): string[] {
  const first = segments.findIndex((segment) => fieldsByName(desc).has(segment));
  return first === -1 ? [] : segments.slice(first);
}
