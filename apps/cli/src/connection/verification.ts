import {
  type ConnectionVerification,
  type VerificationCause,
  VerificationOutcome,
} from '@planton/api/connect/v1/connection_status';
import { formatAge } from '../output/format-age.ts';
import { formatFields } from '../output/format-fields.ts';
import { formatTime } from '../output/format-time.ts';

const verdicts: Readonly<Record<VerificationOutcome, string>> = {
  [VerificationOutcome.UNSPECIFIED]: 'nothing is known',
  [VerificationOutcome.VERIFIED]: 'the connection works',
  [VerificationOutcome.REFUSED]: 'the connection does not work',
  [VerificationOutcome.INCONCLUSIVE]: 'it could not be found out; try again',
  [VerificationOutcome.INSECURE]: 'the connection works, for others too: it is open to the confused deputy',
};

/** What a verification found, for a person: the verdict, what was observed, and possible causes with what to do about them. */
export function reportVerification(connection: string, result: ConnectionVerification): string {
  const { outcome, message, identity, runner, revision, verifyTime, lastSuccessTime, causes } = result;
  const failed = outcome !== VerificationOutcome.VERIFIED;
  return formatFields([
    ['connection', connection],
    ['revision', revision > 0 ? String(revision) : ''],
    ['verdict', verdicts[outcome] ?? verdicts[VerificationOutcome.UNSPECIFIED]],
    ['observed', message],
    ['identity', identity],
    ['verified by', runner === '' ? 'the platform runner' : `runner ${runner}`],
    ['verified at', formatTime(verifyTime)],
    ['kept out others', protectionOf(result)],
    ['last worked', failed ? formatTime(lastSuccessTime) || 'never' : ''],
    ...causeFields(causes),
  ]);
}

/** Possible causes, each with what to do about it, as fields of a report. */
export function causeFields(
  causes: readonly VerificationCause[],
): readonly (readonly [name: string, value: string])[] {
  return causes.flatMap(({ code, message, hint }, index) => [
    [causes.length > 1 ? `cause ${index + 1}` : 'cause', `${code}: ${message}`] as const,
    ['hint', hint] as const,
  ]);
}

/** Whether it was shown that others are kept out; empty where that does not apply. */
function protectionOf({ outcome, probeTime }: ConnectionVerification): string {
  const shown = probeTime ? `last shown at ${formatTime(probeTime)}` : '';
  if (outcome === VerificationOutcome.INSECURE) return shown === '' ? 'no' : `no, ${shown}`;
  if (shown === '') return '';
  return outcome === VerificationOutcome.VERIFIED ? `yes, ${shown}` : `not known, ${shown}`;
}

/** What the last verification of a connection found, for a cell of a table: `yes, 3h ago`. Empty where there was none. */
export function summarizeVerification(
  verification: ConnectionVerification | undefined,
  revision: number,
  now: Date,
): string {
  if (!verification) return '';
  // What was found belongs to what was verified; the connection is another one by now.
  if (verification.revision !== revision) return 'changed since';
  switch (verification.outcome) {
    case VerificationOutcome.VERIFIED: {
      const age = formatAge(verification.verifyTime, now);
      return age === '' ? 'yes' : `yes, ${age}`;
    }
    case VerificationOutcome.REFUSED: {
      const [likeliest] = verification.causes;
      return likeliest ? `no: ${likeliest.code}` : 'no';
    }
    case VerificationOutcome.INSECURE:
      return 'insecure';
    default:
      return 'unknown';
  }
}
