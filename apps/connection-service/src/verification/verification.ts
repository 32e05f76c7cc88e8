import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type ConnectionVerificationSchema,
  VerificationOutcome,
} from '@planton/api/connect/v1/connection_status';
import type { VerificationOutcomeName } from '../schema.ts';

/** A possible cause, with what to do about it. */
export interface Cause {
  /** Stable upper-case identifier. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What a verification found out. Never holds a secret. */
export interface Finding {
  readonly outcome: VerificationOutcomeName;
  readonly message: string;
  /** Most likely first; empty where it succeeded. */
  readonly causes: readonly Cause[];
  /** The identity that the provider saw; empty where it answered none. */
  readonly identity: string;
}

/** How a connection was last verified, as it is read beside the connection. All are `null` for one without a schedule. */
export interface VerificationColumns {
  readonly verification_outcome: VerificationOutcomeName | null;
  readonly verification_time: Date | null;
  readonly verification_revision: number | null;
  readonly verification_message: string | null;
  readonly verification_causes: unknown;
  readonly verification_identity: string | null;
  readonly verification_runner: string | null;
  readonly last_success_time: Date | null;
  readonly next_verify_time: Date | null;
  readonly probe_time: Date | null;
  readonly probe_revision: number | null;
}

export const neverVerified: VerificationColumns = {
  verification_outcome: null,
  verification_time: null,
  verification_revision: null,
  verification_message: null,
  verification_causes: null,
  verification_identity: null,
  verification_runner: null,
  last_success_time: null,
  next_verify_time: null,
  probe_time: null,
  probe_revision: null,
};

export const outcomes: Readonly<Record<VerificationOutcomeName, VerificationOutcome>> = {
  verified: VerificationOutcome.VERIFIED,
  refused: VerificationOutcome.REFUSED,
  inconclusive: VerificationOutcome.INCONCLUSIVE,
  insecure: VerificationOutcome.INSECURE,
};

export type VerificationMessage = MessageInitShape<typeof ConnectionVerificationSchema>;

/** As callers see it; undefined where there was no verification. */
export function verificationMessage(columns: VerificationColumns): VerificationMessage | undefined {
  const { verification_outcome: outcome, verification_time: time, probe_time: probeTime } = columns;
  if (outcome === null || time === null) return undefined;
  return {
    outcome: outcomes[outcome],
    verifyTime: timestampFromDate(time),
    revision: columns.verification_revision ?? 0,
    message: columns.verification_message ?? '',
    causes: [...readCauses(columns.verification_causes)],
    identity: columns.verification_identity ?? '',
    runner: columns.verification_runner ?? '',
    ...(columns.last_success_time && { lastSuccessTime: timestampFromDate(columns.last_success_time) }),
    // What was shown of an earlier revision says nothing about this one.
    ...(probeTime &&
      columns.probe_revision === columns.verification_revision && {
        probeTime: timestampFromDate(probeTime),
      }),
    ...(columns.next_verify_time && { nextVerifyTime: timestampFromDate(columns.next_verify_time) }),
  };
}

/** The causes that are stored; what is no cause is left out. */
export function readCauses(stored: unknown): readonly Cause[] {
  if (!Array.isArray(stored)) return [];
  return stored.flatMap((each: unknown): Cause[] => {
    const { code, message, hint } = Object(each) as Record<string, unknown>;
    if (typeof code !== 'string' || typeof message !== 'string' || typeof hint !== 'string') return [];
    return [{ code, message, hint }];
  });
}
