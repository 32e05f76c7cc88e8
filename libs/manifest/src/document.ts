import type { Document, YAMLMap } from 'yaml';
import type { ManifestKind, ManifestMessage } from './kinds/kind.ts';
import type { Problem } from './source/problem.ts';
import type { Position, Source } from './source/source.ts';

/** One document of a manifest file: a message, or problems. */
export interface ManifestDocument {
  /** Where it begins. */
  readonly location: Position;
  /** Absent where the document does not say what it is. */
  readonly kind?: ManifestKind;
  /** Present exactly when there are no problems. */
  readonly message?: ManifestMessage;
  readonly problems: readonly Problem[];
  /** What `locateField` looks positions up in. */
  readonly origin?: { readonly source: Source; readonly yaml: Document.Parsed; readonly root: YAMLMap };
}
