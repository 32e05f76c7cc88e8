import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { serviceOrigin } from './audit-setup.ts';
import { completeSetup } from './complete-setup.ts';
import { decideNext, type Next, type Progress } from './decide-next.ts';
import { type Attempt, observeRole, type RoleObservation } from './observe-role.ts';
import { SETUP_KIND } from './trust-setup.ts';
import { continueSetup, type DueSetup, type End, endSetup } from './trust-setup-store.ts';

/** Seconds until a completion is tried again that met somebody else's change. */
const CONTENDED_PAUSE = 1;

/** Carries a claimed set-up on by one attempt. Throws where it could not be put down what came of it: its claim runs out then. */
export async function advanceSetup(
  deps: Deps,
  setup: DueSetup,
  readExternalId: (setup: DueSetup) => Promise<string>,
  signal: AbortSignal,
): Promise<void> {
  if (setup.now >= setup.expire_time) {
    const message = 'it was not completed within its time; nothing was connected or changed';
    return end(deps, setup, { state: 'expired', message, causes: [] });
  }
  const externalId = await readExternalId(setup);
  const progress = progressOf(setup);
  let seen = await tryRoles(deps, setup, externalId, signal);
  let next = decideNext(progress, seen.observation, deps.setupPace);
  if (next.kind === 'probe') {
    seen = await observeRole(deps, setup, { ...seen.attempt, probe: true }, signal).then((observed) => ({
      ...observed,
      attempt: seen.attempt,
    }));
    next = decideNext(progress, seen.observation, deps.setupPace);
  }
  await carryOut(deps, setup, next, seen);
}

type Seen = RoleObservation & { readonly attempt: Attempt };

/** The role that the callback claims, and the one that was agreed on: a claim can be wrong, and a name can have been edited. */
async function tryRoles(deps: Deps, setup: DueSetup, externalId: string, signal: AbortSignal): Promise<Seen> {
  const agreed = { roleArn: setup.role_arn, stack: setup.stack_name };
  const claimed = { roleArn: setup.claimed_role_arn, stack: setup.claimed_stack_id };
  const candidates = setup.claimed_role_arn === '' ? [agreed] : [claimed, agreed];
  let first: Seen | undefined;
  for (const candidate of candidates) {
    const attempt = { ...candidate, externalId, probe: false };
    const seen = { ...(await observeRole(deps, setup, attempt, signal)), attempt };
    const { observation } = seen;
    if (observation.kind === 'admitted' && (setup.without_stack || observation.stack)) return seen;
    if (!first || rank(seen) > rank(first)) first = seen;
  }
  if (!first) throw new Error('a set-up without a role to try');
  return first;
}

function rank({ observation }: RoleObservation): number {
  return { unknown: 0, refused: 1, admitted: 2 }[observation.kind];
}

async function carryOut(deps: Deps, setup: DueSetup, next: Next, seen: Seen): Promise<void> {
  const stackId = seen.observation.kind === 'admitted' ? (seen.observation.stack?.id ?? '') : '';
  if (next.kind === 'fail') {
    const { message, causes } = next;
    return end(deps, setup, { state: 'failed', message, causes });
  }
  if (next.kind === 'wait') {
    const { kind: _, ...continuation } = next;
    return continueSetup(deps.database.query, setup, { ...continuation, stackId });
  }
  if (next.kind === 'probe') throw new Error('a probe was asked for and nothing was probed');
  const { roleArn, identity } = seen;
  const completion = await completeSetup(deps, setup, { roleArn, identity, stackId });
  if (completion === 'completed') return;
  if (completion !== 'contended') {
    return end(deps, setup, { state: 'failed', message: completion.failed, causes: [] });
  }
  await continueSetup(deps.database.query, setup, {
    state: 'verifying',
    wait: 'platform',
    message: 'the role was verified; the connection is being changed by somebody else at this moment',
    causes: [],
    pauseSeconds: CONTENDED_PAUSE,
    marks: { worked: 'set', refused: 'unset', insecure: 'unset' },
    stackId,
  });
}

async function end(deps: Deps, setup: DueSetup, how: End): Promise<void> {
  await deps.database.transact(async (tx) => {
    if (!(await endSetup(tx, setup.uid, how, setup.attempts))) return;
    await recordAudit(tx, deps.newUid(), serviceOrigin(deps, setup), {
      action: `trust_setup.${how.state === 'expired' ? 'expire' : 'fail'}`,
      resource: { kind: SETUP_KIND, uid: setup.uid, slug: setup.connection_slug },
      outcome: 'failed',
      details: { initiated_by: setup.created_by, ...(how.causes[0] && { reason: how.causes[0].code }) },
    });
  });
}

function progressOf(setup: DueSetup): Progress {
  return {
    now: setup.now,
    attempts: setup.attempts,
    withoutStack: setup.without_stack,
    callsBack: setup.calls_back,
    externalIdEdited: setup.external_id_edited,
    claimTime: setup.claim_time,
    claimsAgreedRole: setup.claimed_role_arn === setup.role_arn,
    workedTime: setup.worked_time,
    refusedTime: setup.refused_time,
    insecureTime: setup.insecure_time,
  };
}
