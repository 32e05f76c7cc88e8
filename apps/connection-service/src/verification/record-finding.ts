import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type AuditOrigin, recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { pauseAfterFailure, pauseAfterResult } from './pace.ts';
import type { Subject } from './subject.ts';
import { type Finding, outcomes, type VerificationMessage, verificationMessage } from './verification.ts';
import { type NextCheck, storeFinding } from './verification-store.ts';

/** Who wanted a verification: somebody, or the schedule, with its attempts in a row that found nothing out. */
export type Trigger = { readonly kind: 'request' } | { readonly kind: 'schedule'; readonly attempts: number };

/**
 * Stores what was found out and puts it on record, both or neither, before anybody hears of it. A connection that has changed meanwhile
 * keeps the result as that of the revision that was verified; one that is gone keeps nothing.
 *
 * @returns the verification as it is shown from now on
 */
export async function recordFinding(
  deps: Deps,
  origin: AuditOrigin,
  { connection, runner }: Subject,
  finding: Finding,
  trigger: Trigger,
): Promise<VerificationMessage> {
  const next = nextCheck(deps, finding, trigger);
  const { uid, revision } = connection;
  const stored = await deps.database.transact(async (tx) => {
    const row = await storeFinding(tx, { connectionUid: uid, revision, finding, runner, next });
    await recordAudit(tx, deps.newUid(), origin, {
      action: 'connection.verify',
      resource: connection,
      version: revision,
      outcome: finding.outcome === 'verified' ? 'succeeded' : 'failed',
      details: {
        result: finding.outcome,
        trigger: trigger.kind,
        ...(finding.causes[0] && { reason: finding.causes[0].code }),
        ...(runner !== '' && { runner }),
      },
    });
    return row;
  });
  return (stored && verificationMessage(stored)) ?? unstored(finding, revision, runner, deps.now());
}

/** Somebody who asks without learning anything does not put off the schedule. */
function nextCheck(
  { verification, random }: Pick<Deps, 'verification' | 'random'>,
  { outcome }: Finding,
  trigger: Trigger,
): NextCheck | undefined {
  if (outcome !== 'inconclusive') return { seconds: pauseAfterResult(verification, random()), attempts: 0 };
  if (trigger.kind === 'request') return undefined;
  const { attempts } = trigger;
  return { seconds: pauseAfterFailure(verification, attempts, random()), attempts: attempts + 1 };
}

function unstored(
  { outcome, message, causes, identity }: Finding,
  revision: number,
  runner: string,
  now: Date,
): VerificationMessage {
  const verifyTime = timestampFromDate(now);
  return {
    outcome: outcomes[outcome],
    verifyTime,
    revision,
    message,
    causes: [...causes],
    identity,
    runner,
    ...(outcome === 'verified' && { lastSuccessTime: verifyTime }),
  };
}
