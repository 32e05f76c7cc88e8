import { type DomainError, missing, type Scope } from '@planton/rpc';
import { describeLevel, environmentFlag } from '../level.ts';
import type { Target } from './reference.ts';
import type { MissingTarget } from './resolve-store.ts';

/** Where the targets were looked for: among what is registered for an owner, or in a level by slug. */
export type Searched = { readonly ownerUid: string } | { readonly scope: Scope };

/** Names all that is missing in one error. */
export function referencesNotFound(absent: readonly MissingTarget[], searched: Searched): DomainError {
  const violations = absent.map(({ target, what, index }) => ({
    field: `references[${index}]`,
    message: describeMissing(target, what, searched),
  }));
  const [first] = absent;
  const kind = first?.target.kind ?? 'secret';
  const flag = 'scope' in searched ? environmentFlag(searched.scope) : '';
  return missing('REFERENCES_NOT_FOUND', [...new Set(violations.map(({ message }) => message))].join('; '), {
    hint: `planton ${kind} list${flag}`,
    metadata: { count: String(violations.length) },
    violations,
  });
}

function describeMissing(
  { kind, slug, key }: Target,
  what: MissingTarget['what'],
  searched: Searched,
): string {
  if (what === 'entry') return `secret "${slug}" has no entry "${key}"`;
  if (what === 'deleted') return `${kind} "${slug}" was deleted`;
  return 'scope' in searched
    ? `${kind} "${slug}" does not exist in ${describeLevel(searched.scope)}`
    : `${kind} "${slug}" is not registered for owner ${searched.ownerUid}`;
}
