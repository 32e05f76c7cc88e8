import type { HandlerContext } from '@connectrpc/connect';
import { ReferencePhase } from '@planton/api/config/v1/reference';
import { asActor, type DomainError, missing, toDomainError, type Violation } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { Owner } from './outbox-store.ts';
import {
  describeReference,
  type Reference,
  type ReferenceUse,
  referenceKey,
  referenceMessage,
  uniqueReferences,
} from './reference.ts';

export interface Registration {
  readonly owner: Owner;
  readonly revision: number;
  /** What the manifest refers to. */
  readonly uses: readonly ReferenceUse[];
  /** Things of this service that the manifest names and that do not exist. */
  readonly absent: readonly Violation[];
  readonly validateOnly: boolean;
}

/**
 * Checks in the name of the actor that all references exist and may be used, and registers them, so that none can be deleted
 * while the change is committed. What is committed so far stays registered beside them until the change is confirmed. All that is missing is named in one error. With something in `absent` nothing is registered.
 *
 * Throws `REFERENCES_NOT_FOUND`, and what config-manager refuses, such as a secret that the actor may not use.
 */
export async function registerReferences(
  { configManager }: Pick<Deps, 'configManager'>,
  context: HandlerContext,
  registration: Registration,
): Promise<void> {
  const { owner, revision, uses, absent } = registration;
  const asked = uniqueReferences(uses.map(({ reference }) => reference));
  if (uses.length > 0) {
    try {
      await configManager.setReferences(
        {
          org: owner.organization.slug,
          organizationUid: owner.organization.uid,
          owner: { kind: owner.kind, uid: owner.uid, slug: owner.slug },
          revision,
          references: asked.map(referenceMessage),
          phase: ReferencePhase.REGISTER,
          validateOnly: registration.validateOnly || absent.length > 0,
        },
        { contextValues: asActor(context) },
      );
    } catch (thrown) {
      const error = toDomainError(thrown);
      if (error?.kind !== 'missing') throw thrown;
      throw referencesNotFound([...locate(error, asked, uses), ...absent], error.hint, error);
    }
  }
  if (absent.length > 0) throw referencesNotFound(absent, '');
}

/** Fields of the request that was refused, turned into fields of the manifest. */
export function locate(
  error: DomainError,
  asked: readonly Reference[],
  uses: readonly ReferenceUse[],
): readonly Violation[] {
  if (error.violations.length === 0) return [{ field: 'spec', message: error.message }];
  return error.violations.flatMap(({ field, message }) => {
    const index = /^references\[([0-9]{1,3})\]/.exec(field)?.[1];
    const reference = index === undefined ? undefined : asked[Number(index)];
    if (!reference) return [{ field, message }];
    const fields = uses
      .filter((use) => referenceKey(use.reference) === referenceKey(reference))
      .map((use) => use.field);
    const what = message === '' ? `${describeReference(reference)} does not exist` : message;
    return (fields.length > 0 ? fields : ['spec']).map((each) => ({ field: each, message: what }));
  });
}

function referencesNotFound(violations: readonly Violation[], hint: string, cause?: unknown) {
  return missing(
    'REFERENCES_NOT_FOUND',
    violations.map(({ field, message }) => `${field}: ${message}`).join('; '),
    {
      violations,
      hint: hint === '' ? 'leave out what does not exist, or make it first' : hint,
      ...(cause === undefined ? {} : { cause }),
    },
  );
}
