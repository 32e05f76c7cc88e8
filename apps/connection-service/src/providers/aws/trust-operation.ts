import { create } from '@bufbuild/protobuf';
import {
  AwsAccessVerdict,
  AwsExternalIdFinding,
  AwsTrustProbeKind,
  AwsTrustProbeResult,
  type OperationInput,
  OperationInputSchema,
  type OperationOutput,
  type VerifyAwsTrustOutput,
} from '@planton/api/runner/v1/operation';
import { compareAccount } from '@planton/aws';
import type { Cause } from '../../verification/verification.ts';
import { answerNotUnderstood, readCause } from './read-causes.ts';

/** A role that is to be verified. */
export interface TrustToVerify {
  /** 12 digits. */
  readonly accountId: string;
  readonly region: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly sessionName: string;
  /** Whether to try the role without the external ID and with wrong ones, too. */
  readonly probe: boolean;
  /** Name or ARN of the stack whose status to read; absent for none. */
  readonly stack?: string | undefined;
  /** Absent for none. */
  readonly sourceIdentity?: string | undefined;
  readonly tags?: Readonly<Record<string, string>> | undefined;
}

/** What was observed of a role. Holds no secret, and text of a runner that was not cleaned. */
export interface TrustFacts {
  readonly verdict: 'verified' | 'refused' | 'inconclusive';
  /** ARN of the session; empty where there was none. */
  readonly arn: string;
  /** The account that answered; empty where none did. */
  readonly accountId: string;
  /** In words; never empty. */
  readonly observation: string;
  /** Most likely first; empty where the role lets the platform in. */
  readonly causes: readonly Cause[];
  readonly externalId: 'enforced' | 'not_enforced' | 'inconclusive' | 'not_probed';
  /** Whom the role let in, in words such as `without the external ID`; empty unless it is not enforced. */
  readonly letIn: readonly string[];
  /** Absent where it was not asked for, or could not be read. */
  readonly stack?: { readonly id: string; readonly status: string; readonly reason: string };
  /** Why the stack could not be read; empty where it could, or was not asked for. */
  readonly stackObservation: string;
  readonly takesSessionTags: boolean;
}

/** The operation that verifies a role on the platform runner. */
export function buildTrustOperation(trust: TrustToVerify): OperationInput {
  const { accountId, region, roleArn, externalId, sessionName, probe, stack = '' } = trust;
  const { sourceIdentity = '', tags = {} } = trust;
  return create(OperationInputSchema, {
    kind: {
      case: 'verifyAwsTrust',
      value: {
        accountId,
        region,
        role: { roleArn, externalId, sessionName, sourceIdentity, tags: { ...tags } },
        probe,
        stack,
      },
    },
  });
}

/**
 * Causes with what is likeliest of a role that was made or changed in the last minutes first: that it has not reached every part of AWS.
 * Otherwise they stay as the runner ranked them.
 */
export function rankCausesOfNewRole(causes: readonly Cause[]): readonly Cause[] {
  const isPropagating = ({ code }: Cause) => code === 'PROPAGATING';
  return [...causes.filter(isPropagating), ...causes.filter((cause) => !isPropagating(cause))];
}

/**
 * What a runner observed, compared once more with the account that has to answer. Nothing is taken for safe on the runner's word alone:
 * the external ID is enforced where every probe was denied, and not enforced where a single one was let in.
 */
export function readTrustOutput({ kind }: OperationOutput, accountId: string): TrustFacts {
  if (kind.case !== 'verifyAwsTrust')
    return notUnderstood('the runner answered something else than it was asked');
  const output = kind.value;
  const facts = factsOf(output);
  if (output.accountId !== '') {
    const wrong = compareAccount(accountId, output.accountId);
    if (wrong) return { ...facts, verdict: 'refused', observation: wrong.message, causes: [wrong] };
  }
  if (output.verdict === AwsAccessVerdict.VERIFIED) {
    return output.accountId === '' ? { ...facts, ...unread('the runner named no account') } : facts;
  }
  const refused = output.verdict === AwsAccessVerdict.REFUSED;
  return {
    ...facts,
    verdict: refused ? 'refused' : 'inconclusive',
    observation:
      output.observation || (refused ? 'the role was refused' : 'nothing could be found out about the role'),
    causes: output.causes.map(readCause),
  };
}

function factsOf(output: VerifyAwsTrustOutput): TrustFacts {
  const { accountId, arn, observation, stack, stackObservation, takesSessionTags } = output;
  return {
    verdict: 'verified',
    arn,
    accountId,
    observation: observation || `account ${accountId} answered as ${arn}`,
    causes: [],
    externalId: readFinding(output),
    letIn: output.probes.flatMap(({ kind, result }) =>
      result === AwsTrustProbeResult.ACCEPTED ? (callers.get(kind) ?? 'with a wrong external ID') : [],
    ),
    ...(stack && { stack: { id: stack.id, status: stack.status, reason: stack.statusReason } }),
    stackObservation,
    takesSessionTags,
  };
}

const callers: ReadonlyMap<AwsTrustProbeKind, string> = new Map([
  [AwsTrustProbeKind.NONE, 'without the external ID'],
  [AwsTrustProbeKind.WRONG, 'with a wrong external ID'],
  [AwsTrustProbeKind.TRUNCATED, 'with the external ID cut short'],
  [AwsTrustProbeKind.EXTENDED, 'with the external ID and one character more'],
  [AwsTrustProbeKind.CASE_FLIPPED, 'with the external ID in the other case'],
]);

/** Without these nothing is known; the case cannot be flipped where there are no letters. */
const NEEDED: readonly AwsTrustProbeKind[] = [
  AwsTrustProbeKind.NONE,
  AwsTrustProbeKind.WRONG,
  AwsTrustProbeKind.TRUNCATED,
  AwsTrustProbeKind.EXTENDED,
];

function readFinding({ externalId, probes, verdict }: VerifyAwsTrustOutput): TrustFacts['externalId'] {
  const { ACCEPTED, DENIED } = AwsTrustProbeResult;
  const { NOT_ENFORCED, ENFORCED, UNSPECIFIED } = AwsExternalIdFinding;
  if (externalId === NOT_ENFORCED || probes.some(({ result }) => result === ACCEPTED)) return 'not_enforced';
  if (externalId === UNSPECIFIED && probes.length === 0) return 'not_probed';
  const denied = new Set(probes.filter(({ result }) => result === DENIED).map(({ kind }) => kind));
  const isShown =
    externalId === ENFORCED &&
    verdict === AwsAccessVerdict.VERIFIED &&
    probes.every(({ result }) => result === DENIED) &&
    NEEDED.every((kind) => denied.has(kind));
  return isShown ? 'enforced' : 'inconclusive';
}

function notUnderstood(message: string): TrustFacts {
  return {
    ...unread(message),
    arn: '',
    accountId: '',
    externalId: 'not_probed',
    letIn: [],
    stackObservation: '',
    takesSessionTags: false,
  };
}

function unread(message: string): Pick<TrustFacts, 'verdict' | 'observation' | 'causes'> {
  return { verdict: 'inconclusive', observation: message, causes: [answerNotUnderstood(message)] };
}
