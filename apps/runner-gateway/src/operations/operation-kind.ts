import type { OperationInput, OperationKind } from '@planton/api/runner/v1/operation';

/** A case of `OperationInput.kind`, such as `verifyAwsAccess`. */
export type KindName = NonNullable<OperationInput['kind']['case']>;

type InputOf<Name extends KindName> = Extract<OperationInput['kind'], { case: Name }>['value'];

/** What the gateway has to know of a kind of operation. How it is carried out is the runner's business. */
export interface KindRules<Name extends KindName = KindName> {
  readonly name: Name;
  readonly kind: OperationKind;
  /** Whether a second execution does no harm. What may not be repeated ends as `outcome unknown` when its instance is lost. */
  readonly idempotent: boolean;
  /** Whether its output is secret, so that it needs a key of the requester to be sealed to. */
  readonly needsResultKey: boolean;
  /** Whether members of an organisation may ask for it themselves, with this input, on a runner of theirs. */
  isPublic(input: InputOf<Name>): boolean;
  /** Whether credentials travel in the input. */
  carriesCredentials(input: InputOf<Name>): boolean;
  /** Why the platform runner is never asked for it, with this input; undefined where it may be. */
  refusalOnPlatform(input: InputOf<Name>): string | undefined;
}

/** The kinds that there are, by name. */
export type OperationKinds = ReadonlyMap<string, KindRules>;

/** States the rules of one kind, with its own input. */
export function defineKind<Name extends KindName>(rules: KindRules<Name>): KindRules {
  // The registry looks rules up by the case of the input that it passes to them.
  return rules as unknown as KindRules;
}

/** A registry of these kinds. */
export function mapKinds(kinds: readonly KindRules[]): OperationKinds {
  return new Map(kinds.map((rules) => [rules.name, rules]));
}
