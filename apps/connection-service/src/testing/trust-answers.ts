import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsAccessVerdict,
  AwsExternalIdFinding,
  AwsTrustProbeKind,
  AwsTrustProbeResult,
  OperationState,
  type VerifyAwsTrustOutputSchema,
} from '@planton/api/runner/v1/operation';
import { ACCOUNT, type Carry, runnerStep } from './fake-runner-service.ts';

export const ROLE_ARN = `arn:aws:iam::${ACCOUNT}:role/PlantonConnect-a-0a1b2c3d`;
export const SESSION_ARN = `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonConnect-a-0a1b2c3d/planton-verification`;

const { NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED } = AwsTrustProbeKind;
const kinds = [NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED];

type Output = MessageInitShape<typeof VerifyAwsTrustOutputSchema>;

/** What a role does with whoever has not its external ID. */
export type Behaviour = 'denies' | 'lets in' | 'throttles';

const answers: Readonly<Record<Behaviour, readonly [AwsExternalIdFinding, AwsTrustProbeResult]>> = {
  denies: [AwsExternalIdFinding.ENFORCED, AwsTrustProbeResult.DENIED],
  'lets in': [AwsExternalIdFinding.NOT_ENFORCED, AwsTrustProbeResult.ACCEPTED],
  throttles: [AwsExternalIdFinding.INCONCLUSIVE, AwsTrustProbeResult.INCONCLUSIVE],
};

/** A platform runner that assumes the role, and probes it where it is asked to. */
export function trusting(behaviour: Behaviour, changes: Output = {}): Carry {
  return ({ input }) => {
    if (input?.kind.case !== 'verifyAwsTrust') throw new Error('it is no verification of a role');
    const [externalId, result] = answers[behaviour];
    const value: Output = {
      verdict: AwsAccessVerdict.VERIFIED,
      accountId: ACCOUNT,
      arn: SESSION_ARN,
      ...(input.kind.value.probe && { externalId, probes: kinds.map((kind) => ({ kind, result })) }),
      ...changes,
    };
    const operation = {
      state: OperationState.SUCCEEDED,
      attempt: 1,
      output: { kind: { case: 'verifyAwsTrust' as const, value } },
    };
    return [runnerStep(`assuming ${ROLE_ARN}`, 2), { event: { case: 'end', value: { operation } } }];
  };
}
