import { ConnectError } from '@connectrpc/connect';
import { OperationErrorKind, OperationState } from '@planton/api/runner/v1/operation';
import { externalIdNotEnforced, parseArn } from '@planton/aws';
import { toDomainError } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { runOnPlatform } from '../operations/run-on-platform.ts';
import { readCause } from '../providers/aws/read-causes.ts';
import {
  buildTrustOperation,
  rankCausesOfNewRole,
  readTrustOutput,
  type TrustFacts,
} from '../providers/aws/trust-operation.ts';
import { createScrub, type Scrub } from '../verification/scrub-text.ts';
import type { Cause } from '../verification/verification.ts';
import type { Observation } from './decide-next.ts';
import type { TrustSetup } from './trust-setup.ts';

/** What is tried, beside the set-up itself. */
export interface Attempt {
  readonly roleArn: string;
  /** Name or ARN of the stack that made it; empty for none. */
  readonly stack: string;
  readonly externalId: string;
  readonly probe: boolean;
}

/** An observation, and of which role. */
export interface RoleObservation {
  readonly roleArn: string;
  /** ARN of the session; empty where there was none. */
  readonly identity: string;
  readonly observation: Observation;
}

const MESSAGE_LENGTH = 2_000;
const MOST_CAUSES = 10;

/** Has the platform runner try a role. Whatever keeps it from being tried is an observation; only an abort is thrown. */
export async function observeRole(
  deps: Pick<Deps, 'runners'>,
  setup: TrustSetup,
  { roleArn, stack, externalId, probe }: Attempt,
  signal: AbortSignal,
): Promise<RoleObservation> {
  const scrub = createScrub([externalId]);
  const region = regionOf(stack) ?? setup.region;
  const input = buildTrustOperation({
    accountId: setup.account_id,
    region,
    roleArn,
    externalId,
    sessionName: `planton-setup-${setup.uid.slice(0, 8)}`,
    probe,
    stack,
    sourceIdentity: 'planton-setup',
    tags: { 'planton:organization': setup.organization_slug, 'planton:connection': setup.connection_slug },
  });
  const order = {
    organization: { uid: setup.organization_uid, slug: '' },
    connectionUid: setup.connection_uid,
    connection: setup.connection_slug,
    input,
    purpose: `set-up of ${setup.connection_slug}`,
  };
  const nothing = (message: string, causes: readonly Cause[]): RoleObservation => ({
    roleArn,
    identity: '',
    observation: {
      kind: 'unknown',
      message: scrub(message, MESSAGE_LENGTH),
      causes: scrubCauses(causes, scrub),
    },
  });
  try {
    const { operation } = await runOnPlatform(deps, order, { signal });
    const { state, output, error } = operation;
    if (state === OperationState.SUCCEEDED && output) {
      const facts = readTrustOutput(output, setup.account_id);
      return {
        roleArn,
        identity: scrub(facts.arn, MESSAGE_LENGTH),
        observation: observationOf(facts, scrub),
      };
    }
    const offline = error?.kind === OperationErrorKind.OFFLINE;
    const message = error?.message ?? 'the platform runner ended without a result';
    return nothing(
      offline ? `the platform runner is not there: ${message}` : message,
      (error?.causes ?? []).map(readCause),
    );
  } catch (thrown) {
    if (signal.aborted) throw thrown;
    const error = toDomainError(thrown);
    if (error) return nothing(error.message, []);
    if (thrown instanceof ConnectError) return nothing('a service that this needs does not answer', []);
    throw thrown;
  }
}

function observationOf(facts: TrustFacts, scrub: Scrub): Observation {
  const { verdict, observation, causes, externalId, stack, stackObservation } = facts;
  const message = scrub(observation, MESSAGE_LENGTH);
  if (verdict !== 'verified') {
    return verdict === 'refused'
      ? { kind: 'refused', message, causes: scrubCauses(rankCausesOfNewRole(causes), scrub) }
      : { kind: 'unknown', message, causes: scrubCauses(causes, scrub) };
  }
  const insecure = externalId === 'not_enforced';
  return {
    kind: 'admitted',
    externalId,
    stack: stack && {
      id: scrub(stack.id, MESSAGE_LENGTH),
      status: scrub(stack.status, 64),
      reason: scrub(stack.reason, MESSAGE_LENGTH),
    },
    stackObservation: scrub(stackObservation, MESSAGE_LENGTH),
    message: insecure ? 'it lets in callers that do not have the right external ID' : message,
    causes: insecure ? [externalIdNotEnforced()] : [],
  };
}

function scrubCauses(causes: readonly Cause[], scrub: Scrub): readonly Cause[] {
  return causes.slice(0, MOST_CAUSES).map(({ code, message, hint }) => ({
    code: scrub(code, 64),
    message: scrub(message, MESSAGE_LENGTH),
    hint: scrub(hint, MESSAGE_LENGTH),
  }));
}

/** Somebody may have made the stack in another region than the link's. */
function regionOf(stack: string): string | undefined {
  const arn = parseArn(stack);
  return arn.ok && arn.value.region !== '' ? arn.value.region : undefined;
}
