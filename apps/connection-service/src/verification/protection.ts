import type { VerificationOutcomeName } from '../schema.ts';
import type { Cause, Finding } from './verification.ts';

/**
 * Whether a connection keeps out everybody but the platform acting for it, as far as a verification tried:
 *
 * - `kept_out`: every attempt that has to fail failed
 * - `let_in`: one did not
 * - `unclear`: none succeeded, and not every one failed as it has to
 * - `not_tried`: the verification did without
 */
export interface Protection {
  readonly result: 'kept_out' | 'let_in' | 'unclear' | 'not_tried';
  /** What was observed, in words that go on after a comma or semicolon; empty where nothing was tried. */
  readonly observation: string;
  /** What is wrong with a connection that lets others in, and what to do about it. */
  readonly exposure: Cause;
}

/** What is known of a connection from earlier verifications, with the time it is now by the same clock. */
export interface ProtectionRecord {
  readonly outcome: VerificationOutcomeName | null;
  /** The revision that was last verified, which `outcome` and `insecureSince` are of. */
  readonly revision: number | null;
  /** When it was last shown that others are kept out, and of which revision. */
  readonly probeTime: Date | null;
  readonly probeRevision: number | null;
  /** When others were first let in, of all times since they were last shown to be kept out. */
  readonly insecureSince: Date | null;
  readonly now: Date;
}

/** What a verification changes in the record. */
export interface ProtectionChange {
  /** Whether it was shown that others are kept out. */
  readonly shown: boolean;
  /** What becomes of the time since when others are let in. */
  readonly insecure: 'keep' | 'begin' | 'clear';
}

/** What a verification comes to. */
export interface Judgement {
  readonly finding: Finding;
  readonly change: ProtectionChange;
  /** Whether it has to be looked at again in a minute, whoever asked. */
  readonly lookAgain: boolean;
}

const PROBE_EVERY_MS = 24 * 3_600_000;
/** Longer than what was changed at the provider takes to be known everywhere. */
const PERSIST_MS = 60_000;

/**
 * Whether a verification is to try what has to fail, too: where that was never shown of this revision, was shown a day ago, or the last
 * verification ended otherwise than well. Customers see every such attempt as a denial in their records.
 */
export function isProbeDue(record: ProtectionRecord | undefined, revision: number): boolean {
  if (!record || record.revision !== revision || record.outcome !== 'verified') return true;
  if (record.insecureSince || record.probeRevision !== revision || !record.probeTime) return true;
  const age = record.now.getTime() - record.probeTime.getTime();
  return age < 0 || age >= PROBE_EVERY_MS;
}

/**
 * What it means that a connection works, or does not, together with who else it lets in. One that lets others in is insecure once that
 * has lasted a minute, and inconclusive until then; it stays either until others are shown to be kept out. One that was never shown, in
 * this revision, to keep others out is not verified.
 */
export function judgeProtection(
  finding: Finding,
  protection: Protection | undefined,
  record: ProtectionRecord | undefined,
  revision: number,
): Judgement {
  const known = record?.revision === revision ? record : undefined;
  const unchanged: Judgement = {
    finding,
    change: { shown: false, insecure: known ? 'keep' : 'clear' },
    lookAgain: false,
  };
  if (!protection || finding.outcome === 'refused') return unchanged;
  if (protection.result === 'let_in') return letIn(finding, protection, known);
  if (finding.outcome !== 'verified') return unchanged;
  if (protection.result === 'kept_out') return { ...unchanged, change: { shown: true, insecure: 'clear' } };
  if (known?.insecureSince) return { ...unchanged, finding: stillInsecure(finding, protection, known) };
  return { ...unchanged, finding: notShown(finding, protection, record, revision) };
}

function letIn(
  { message, identity }: Finding,
  { observation, exposure }: Protection,
  known: ProtectionRecord | undefined,
): Judgement {
  const lasted = known?.insecureSince ? known.now.getTime() - known.insecureSince.getTime() : 0;
  const lasts = lasted >= PERSIST_MS;
  const finding: Finding = {
    outcome: lasts ? 'insecure' : 'inconclusive',
    message: lasts
      ? `${message}; ${observation}, and that has lasted`
      : `${message}; ${observation}; it is looked at again in a minute, in case a change has not arrived everywhere`,
    causes: [exposure],
    identity,
  };
  return { finding, change: { shown: false, insecure: 'begin' }, lookAgain: !lasts };
}

function stillInsecure(
  { message, identity }: Finding,
  { observation, exposure }: Protection,
  { outcome }: ProtectionRecord,
): Finding {
  return {
    outcome: outcome === 'insecure' ? 'insecure' : 'inconclusive',
    message: `${message}; others were let in when it was last found out${observation === '' ? '' : `, and now ${observation}`}`,
    causes: [exposure],
    identity,
  };
}

function notShown(
  finding: Finding,
  { result, observation }: Protection,
  record: ProtectionRecord | undefined,
  revision: number,
): Finding {
  const { message, identity } = finding;
  const shownAt = record?.probeRevision === revision ? record.probeTime : null;
  if (shownAt && result === 'not_tried') return finding;
  if (shownAt)
    return {
      ...finding,
      message: `${message}; ${observation}, which was last shown at ${shownAt.toISOString()}`,
    };
  const unknown = observation === '' ? 'it was never shown that others are kept out' : observation;
  return {
    outcome: 'inconclusive',
    message: `${message}; ${unknown}`,
    causes: [
      {
        code: 'PROTECTION_NOT_SHOWN',
        message: 'the connection works, and it was never shown that it keeps others out',
        hint: 'it is tried again by itself; planton connection verify NAME tries at once',
      },
    ],
    identity,
  };
}
