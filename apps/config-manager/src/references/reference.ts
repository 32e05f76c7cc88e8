import type { Reference } from '@planton/api/config/v1/reference';
import { type DomainError, invalid, state } from '@planton/rpc';
import type { TargetKind } from '../schema.ts';

/** What an owner refers to: an entry of a secret, or a variable, whose `key` is empty. */
export interface Target {
  readonly kind: TargetKind;
  readonly slug: string;
  readonly key: string;
}

/** Reads the references of a request, in its order. @throws `VALIDATION_FAILED` for one without a target */
export function targetsOf(references: readonly Reference[]): Target[] {
  return references.map(({ target }, index) => {
    if (target.case === 'secret') return { kind: 'secret', slug: target.value.slug, key: target.value.key };
    if (target.case === 'variable') return { kind: 'variable', slug: target.value, key: '' };
    throw invalid('VALIDATION_FAILED', `references[${index}]: a secret or a variable has to be named`);
  });
}

/** The same text for the same target. Slugs and keys hold no space. */
export function targetName({ kind, slug, key }: Target): string {
  return `${kind} ${slug} ${key}`;
}

/** Each target once. */
export function uniqueTargets(targets: readonly Target[]): Target[] {
  return [...new Map(targets.map((target) => [targetName(target), target])).values()];
}

/** An object that refers to something. */
export interface User {
  readonly uid: string;
  readonly kind: string;
  readonly slug: string;
  readonly confirmed: boolean;
}

const MOST_NAMED = 10;

/** Refuses a deletion, naming who would be left without. */
export function targetInUse(kind: TargetKind, slug: string, users: readonly User[]): DomainError {
  const names = users.slice(0, MOST_NAMED).map((user) => `${user.kind} ${user.slug}`);
  const more = users.length > MOST_NAMED ? ` and ${users.length - MOST_NAMED} more` : '';
  return state(
    kind === 'secret' ? 'SECRET_IN_USE' : 'VARIABLE_IN_USE',
    `${kind} "${slug}" is in use by ${names.join(', ')}${more}`,
    { hint: `planton ${kind} usages ${slug}`, metadata: { slug, users: names.join(', ') } },
  );
}
