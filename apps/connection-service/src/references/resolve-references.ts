import type { Reference as ReferenceMessage } from '@planton/api/config/v1/reference';
import { state, toDomainError } from '@planton/rpc';
import {
  type FieldValues,
  type ReferenceUse,
  referenceKey,
  referenceMessage,
  uniqueReferences,
} from './reference.ts';
import { locate } from './register-references.ts';

/** Asks config-manager for values, in the order of the references. */
export type AskForValues = (
  references: ReferenceMessage[],
) => Promise<{ readonly values: readonly { readonly value: string }[] }>;

/**
 * What the fields of a connection refer to, asked for in one call; none where nothing is referred to.
 *
 * Throws `CREDENTIALS_MISSING`, which names every field, secret and entry that is missing, and whatever else `ask` throws.
 *
 * @param connection its slug, for messages
 */
export async function resolveReferences(
  connection: string,
  uses: readonly ReferenceUse[],
  ask: AskForValues,
): Promise<FieldValues> {
  const asked = uniqueReferences(uses.map(({ reference }) => reference));
  if (asked.length === 0) return new Map();
  try {
    const { values } = await ask(asked.map(referenceMessage));
    const found = new Map(asked.map((reference, index) => [referenceKey(reference), values[index]?.value]));
    return new Map(
      uses.flatMap(({ field, reference }): [string, string][] => {
        const value = found.get(referenceKey(reference));
        return value === undefined ? [] : [[field, value]];
      }),
    );
  } catch (thrown) {
    const error = toDomainError(thrown);
    if (error?.kind !== 'missing') throw thrown;
    const violations = locate(error, asked, uses);
    throw state(
      'CREDENTIALS_MISSING',
      `connection "${connection}": ${violations.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
      { hint: error.hint, violations, cause: error },
    );
  }
}
