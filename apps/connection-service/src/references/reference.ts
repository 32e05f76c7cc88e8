import { create } from '@bufbuild/protobuf';
import { type Reference as ReferenceMessage, ReferenceSchema } from '@planton/api/config/v1/reference';

/** An entry of a secret or a variable, both at the organisation level. */
export type Reference =
  | { readonly kind: 'secret'; readonly slug: string; readonly key: string }
  | { readonly kind: 'variable'; readonly slug: string };

/** A reference and the field of the manifest that makes it, such as `spec.access_key_id`. */
export interface ReferenceUse {
  readonly field: string;
  readonly reference: Reference;
}

/** What the fields of a spec hold once resolved: field to value. */
export type FieldValues = ReadonlyMap<string, string>;

/** The same text for the same reference. */
export function referenceKey(reference: Reference): string {
  return reference.kind === 'secret'
    ? `secret/${reference.slug}/${reference.key}`
    : `variable/${reference.slug}`;
}

/** Names a reference for people, and never its value. */
export function describeReference(reference: Reference): string {
  return reference.kind === 'secret'
    ? `secret "${reference.slug}" entry "${reference.key}"`
    : `variable "${reference.slug}"`;
}

/** Each reference once, in the order of the first use. */
export function uniqueReferences(references: readonly Reference[]): readonly Reference[] {
  return [...new Map(references.map((reference) => [referenceKey(reference), reference])).values()];
}

export function referenceMessage(reference: Reference): ReferenceMessage {
  return create(ReferenceSchema, {
    target:
      reference.kind === 'secret'
        ? { case: 'secret', value: { slug: reference.slug, key: reference.key } }
        : { case: 'variable', value: reference.slug },
  });
}

/** Reads what `reference_outbox` stores. Throws for what is no list of references. */
export function parseReferences(stored: unknown): readonly Reference[] {
  if (Array.isArray(stored) && stored.every(isReference)) return stored;
  throw new TypeError('the stored reference set is not a list of references');
}

/** Reads the uids that `reference_outbox` stores for runners. Throws for what is no list of texts. */
export function parseUids(stored: unknown): readonly string[] {
  if (Array.isArray(stored) && stored.every((uid) => typeof uid === 'string')) return stored;
  throw new TypeError('the stored set is not a list of uids');
}

function isReference(value: unknown): value is Reference {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, slug, key } = value as Record<string, unknown>;
  if (typeof slug !== 'string') return false;
  return kind === 'variable' || (kind === 'secret' && typeof key === 'string');
}
