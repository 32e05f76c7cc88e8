import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  type VerificationStepSchema,
  VerificationStepState,
} from '@planton/api/connect/v1/connection_service';
import {
  type Operation,
  type OperationInput,
  type OperationStep,
  OperationStepState,
} from '@planton/api/runner/v1/operation';
import type { FieldValues, ReferenceUse } from '../references/reference.ts';
import { resolveReferences } from '../references/resolve-references.ts';
import { concludeError, concludeOperation, inconclusive, scrubFinding, scrubProtection } from './conclude.ts';
import type { Protection } from './protection.ts';
import type { Reach } from './reach-services.ts';
import { createScrub } from './scrub-text.ts';
import type { Subject } from './subject.ts';
import type { Finding } from './verification.ts';

export type Step = MessageInitShape<typeof VerificationStepSchema>;

/** What a verification observed. What that means depends on what is known already. */
export interface Observed extends Finding {
  /** Absent where the provider has nothing like it, or nothing was observed. */
  readonly protection?: Protection;
}

/** Is told each step as it begins and as it ends. */
export type Tell = (step: Step) => void;

const { RUNNING, PASSED, FAILED, UNSPECIFIED } = VerificationStepState;
const NAME_LENGTH = 200;
const DETAIL_LENGTH = 2_000;
/** A runner that says more than this is not listened to. */
const MOST_STEPS = 500;

/**
 * Tries a connection, and with `probe` what has to fail, too: reads what it refers to, has a runner try it, and says what was found out. It stores nothing. Secrets are in memory
 * alone, and in nothing that is told, returned or thrown.
 *
 * Values that are missing or malformed are a finding. Throws where the connection cannot be verified at all, such as
 * `AUTH_MODE_NOT_AVAILABLE`, where the caller may not, and where nobody wants the result any more.
 */
export async function runVerification(
  subject: Subject,
  reach: Reach,
  probe: boolean,
  tell: Tell,
): Promise<Observed> {
  const { provider, spec, connection } = subject;
  const uses = provider.planVerification(spec, connection.slug);
  const reading = nameOfReading(uses);
  let resolved: FieldValues;
  let input: OperationInput;
  if (reading) tell({ name: reading, state: RUNNING });
  try {
    resolved = await resolveReferences(connection.slug, uses, reach.readValues(connection));
    input = provider.buildVerification(spec, resolved, {
      connection: connection.slug,
      organization: connection.organization_slug,
      probe,
    });
  } catch (thrown) {
    const finding = concludeError(thrown, reach.signal);
    if (reading) tell({ name: reading, state: FAILED, detail: finding.message });
    return finding;
  }
  if (reading) tell({ name: reading, state: PASSED });

  const scrub = createScrub(secretsOf(uses, resolved));
  const told = new Map<string, VerificationStepState>();
  const tellScrubbed: Tell = ({ name = '', state = UNSPECIFIED, detail = '' }) => {
    told.set(name, state);
    tell({ name: scrub(name, NAME_LENGTH), state, detail: scrub(detail, DETAIL_LENGTH) });
  };
  const operation = await carryOut(subject, input, reach, tellScrubbed);
  if ('outcome' in operation) return scrubFinding(operation, scrub);
  const { checks, protection, ...finding } = concludeOperation(subject, resolved, operation);
  for (const { name, passed, detail } of checks) {
    const state = passed ? PASSED : FAILED;
    // The runner may have made the same comparison with the same end.
    if (told.get(name) === state) continue;
    tellScrubbed({ name, state: RUNNING });
    tellScrubbed({ name, state, detail });
  }
  return {
    ...scrubFinding(finding, scrub),
    ...(protection && { protection: scrubProtection(protection, scrub) }),
  };
}

/** Undefined where nothing is read. */
function nameOfReading(uses: readonly ReferenceUse[]): string | undefined {
  const secrets = uses.filter(({ reference }) => reference.kind === 'secret');
  const [only] = secrets;
  if (secrets.length > 1) return 'reading the keys from their secrets';
  if (only) return `reading the ${only.field.replace(/^spec\./, '').replaceAll('_', ' ')} from its secret`;
  return uses.length > 0 ? 'reading the variables' : undefined;
}

function secretsOf(uses: readonly ReferenceUse[], resolved: FieldValues): readonly string[] {
  return uses.flatMap(({ field, reference }) =>
    reference.kind === 'secret' ? (resolved.get(field) ?? []) : [],
  );
}

/** The operation as it ended, or what it means that it did not. */
async function carryOut(
  { connection, runner }: Subject,
  input: OperationInput,
  reach: Reach,
  tell: Tell,
): Promise<Operation | Finding> {
  const waiting = runner === '' ? 'waiting for the platform runner' : `waiting for runner ${runner}`;
  let waits = true;
  const endWait = (there: boolean, detail = '') => {
    if (waits) tell({ name: waiting, state: there ? PASSED : FAILED, detail });
    waits = false;
  };
  const lost = (finding: Finding) => {
    endWait(false, finding.message);
    return finding;
  };
  // A stream that is not read to its end is not closed otherwise.
  const ended = new AbortController();
  let steps = 0;
  tell({ name: waiting, state: RUNNING });
  try {
    for await (const { event } of reach.runOperation(connection, input, ended.signal)) {
      if (event.case === 'operation' && event.value.attempt > 0) endWait(true);
      if (event.case === 'step') {
        endWait(true);
        if (steps++ < MOST_STEPS) tell(stepOf(event.value));
      }
      const operation = event.case === 'end' ? event.value.operation : undefined;
      if (!operation) continue;
      // One that was never delivered ended while it waited.
      if (operation.attempt > 0) endWait(true);
      else endWait(false, operation.error?.message);
      return operation;
    }
  } catch (thrown) {
    return lost(concludeError(thrown, reach.signal));
  } finally {
    ended.abort();
  }
  const message = 'the runner gateway ended the call without a result';
  return lost(inconclusive('OPERATION_NOT_ENDED', message, 'try again in a moment'));
}

const states: Readonly<Record<OperationStepState, VerificationStepState>> = {
  [OperationStepState.UNSPECIFIED]: UNSPECIFIED,
  [OperationStepState.RUNNING]: RUNNING,
  [OperationStepState.PASSED]: PASSED,
  [OperationStepState.FAILED]: FAILED,
};

function stepOf({ name, state, detail }: OperationStep): Step {
  return { name, state: states[state] ?? UNSPECIFIED, detail };
}
