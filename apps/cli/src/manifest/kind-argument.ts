import { findKind, kinds, type ManifestKind, suggestKind } from '@planton/manifest';
import { usage } from '../errors/cli-error.ts';

/** What KIND may be. */
export const kindHelp = `${kinds.map(({ name, provider }) => (provider ? `${name} (${provider})` : name)).join(', ')}; in any case`;

/** The kind that an argument names. */
export function kindOf(argument: string): ManifestKind {
  const kind = findKind(argument);
  if (!kind) throw usage(`unknown kind ${argument}`, suggestKind(argument));
  return kind;
}
