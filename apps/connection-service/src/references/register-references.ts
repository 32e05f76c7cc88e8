import type { HandlerContext } from '@connectrpc/connect';
import { RegistrationPhase } from '@planton/api/common/v1/reference';
import { ReferencePhase } from '@planton/api/config/v1/reference';
import { asActor, type DomainError, missing, state, toDomainError, type Violation } from '@planton/rpc';
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

type RegisterDeps = Pick<Deps, 'configManager' | 'runners'>;

export interface Registration {
  readonly owner: Owner;
  readonly revision: number;
  /** What the manifest refers to. */
  readonly uses: readonly ReferenceUse[];
  /** Slug of the runner that the manifest names; empty for none. */
  readonly runner: string;
  readonly validateOnly: boolean;
}

/** Where manifests name their runner. */
const RUNNER_FIELD = 'spec.runner';

/**
 * Checks in the name of the actor that all references exist and may be used, and registers them, so that none can be deleted
 * while the change is committed. What is committed so far stays registered beside them until the change is confirmed. All that is
 * missing is named in one error, and then nothing is registered: with two services to ask, both are asked before either registers.
 *
 * Throws `REFERENCES_NOT_FOUND`, and what a service refuses, such as a secret that the actor may not use or a runner that was revoked.
 *
 * @returns uid of the runner, empty for none; undefined where someone else has registered a later revision meanwhile
 */
export async function registerReferences(
  deps: RegisterDeps,
  context: HandlerContext,
  registration: Registration,
): Promise<string | undefined> {
  const { uses, runner, validateOnly } = registration;
  if (uses.length > 0 && runner !== '' && !validateOnly) {
    await registerWithBoth(deps, context, { ...registration, validateOnly: true });
  }
  return registerWithBoth(deps, context, registration);
}

/** A service that does not know something that the manifest names. */
interface Absence {
  readonly violations: readonly Violation[];
  readonly error: DomainError;
}

async function registerWithBoth(
  deps: RegisterDeps,
  context: HandlerContext,
  registration: Registration,
): Promise<string | undefined> {
  const ends = await Promise.allSettled([
    registerUses(deps, context, registration),
    registerRunner(deps, context, registration),
  ]);
  const thrown = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  for (const error of thrown) if (toDomainError(error)?.kind !== 'stale') throw error;
  if (thrown.length > 0) return undefined;
  const answers = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
  const absences = answers.filter((answer) => typeof answer === 'object');
  if (absences.length > 0) throw referencesNotFound(absences);
  return answers.find((answer) => typeof answer === 'string') ?? '';
}

async function registerUses(
  { configManager }: RegisterDeps,
  context: HandlerContext,
  { owner, revision, uses, validateOnly }: Registration,
): Promise<Absence | undefined> {
  if (uses.length === 0) return undefined;
  const asked = uniqueReferences(uses.map(({ reference }) => reference));
  try {
    await configManager.setReferences(
      {
        ...ownerMessage(owner),
        revision,
        references: asked.map(referenceMessage),
        phase: ReferencePhase.REGISTER,
        validateOnly,
      },
      { contextValues: asActor(context) },
    );
    return undefined;
  } catch (thrown) {
    const error = toDomainError(thrown);
    if (error?.kind !== 'missing') throw thrown;
    return { error, violations: locate(error, asked, uses) };
  }
}

async function registerRunner(
  { runners }: RegisterDeps,
  context: HandlerContext,
  { owner, revision, runner, validateOnly }: Registration,
): Promise<string | Absence> {
  if (runner === '') return '';
  try {
    const { runnerUids } = await runners.setRunnerReferences(
      {
        ...ownerMessage(owner),
        revision,
        runners: [runner],
        phase: RegistrationPhase.REGISTER,
        validateOnly,
      },
      { contextValues: asActor(context) },
    );
    const [uid = ''] = runnerUids;
    if (uid === '' && !validateOnly)
      throw new Error(`runner-gateway registered runner "${runner}" without its uid`);
    return uid;
  } catch (thrown) {
    const error = toDomainError(thrown);
    if (error?.kind !== 'missing' && error?.kind !== 'state') throw thrown;
    const [said] = error.violations;
    const violations = [{ field: RUNNER_FIELD, message: said?.message || error.message }];
    if (error.kind === 'missing') return { error, violations };
    const { reason, message, hint, metadata } = error;
    throw state(reason, `${RUNNER_FIELD}: ${message}`, { hint, metadata, violations, cause: error });
  }
}

function ownerMessage({ kind, uid, slug, organization }: Owner) {
  return { org: organization.slug, organizationUid: organization.uid, owner: { kind, uid, slug } };
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

function referencesNotFound(absences: readonly Absence[]): DomainError {
  const violations = absences.flatMap((absence) => absence.violations);
  const hint = absences.map(({ error }) => error.hint).find((each) => each !== '');
  return missing(
    'REFERENCES_NOT_FOUND',
    violations.map(({ field, message }) => `${field}: ${message}`).join('; '),
    {
      violations,
      hint: hint ?? 'leave out what does not exist, or make it first',
      cause: absences[0]?.error,
    },
  );
}
