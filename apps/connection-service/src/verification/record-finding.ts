import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type AuditOrigin, recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { pauseAfterFailure, pauseAfterResult, pauseBeforeSecondLook } from './pace.ts';
import { type Judgement, judgeProtection } from './protection.ts';
import type { Observed } from './run-verification.ts';
import type { Subject } from './subject.ts';
import { outcomes, type VerificationMessage, verificationMessage } from './verification.ts';
import { findProtection, type NextCheck, storeFinding } from './verification-store.ts';

/** Who wanted a verification: somebody, or the schedule, with its attempts in a row that found nothing out. */
export type Trigger = { readonly kind: 'request' } | { readonly kind: 'schedule'; readonly attempts: number };

/**
 * Judges what was observed by what is known already, stores what was found out and puts it on record, both or neither, before anybody hears of it. A connection that has changed meanwhile
 * keeps the result as that of the revision that was verified; one that is gone keeps nothing.
 *
 * @returns the verification as it is shown from now on
 */
export async function recordFinding(
  deps: Deps,
  origin: AuditOrigin,
  { connection, runner }: Subject,
  { protection, ...observed }: Observed,
  trigger: Trigger,
): Promise<VerificationMessage> {
  const { uid, revision } = connection;
  const { row, judgement } = await deps.database.transact(async (tx) => {
    const known = await findProtection(tx, uid, { lock: true });
    const judgement = judgeProtection(observed, protection, known, revision);
    const { finding, change } = judgement;
    const next = nextCheck(deps, judgement, trigger);
    const row = await storeFinding(tx, {
      connectionUid: uid,
      revision,
      finding,
      protection: change,
      runner,
      next,
    });
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
    return { row, judgement };
  });
  return (row && verificationMessage(row)) ?? unstored(judgement, revision, runner, deps.now());
}

/** Somebody who asks without learning anything does not put off the schedule. */
function nextCheck(
  { verification, random }: Pick<Deps, 'verification' | 'random'>,
  { finding: { outcome }, lookAgain }: Judgement,
  trigger: Trigger,
): NextCheck | undefined {
  if (lookAgain) return { seconds: pauseBeforeSecondLook(random()), attempts: 0 };
  if (outcome !== 'inconclusive') return { seconds: pauseAfterResult(verification, random()), attempts: 0 };
  if (trigger.kind === 'request') return undefined;
  const { attempts } = trigger;
  return { seconds: pauseAfterFailure(verification, attempts, random()), attempts: attempts + 1 };
}

function unstored(
  { finding: { outcome, message, causes, identity }, change }: Judgement,
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
    ...(change.shown && { probeTime: verifyTime }),
  };
}
