import type { MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsExternalIdFinding,
  AwsTrustProbeResult,
  type AwsTrustProbeSchema,
} from '@planton/api/runner/v1/operation';
import type { TellStep } from '../operation-kind.ts';
import type { AwsKey } from './aws-identity.ts';
import { type AwsCall, assumeRole, type RoleRequest } from './call-aws.ts';
import { explainCall, isDenied } from './explain-failure.ts';
import { makeProbes, type Probe, type RandomBytes } from './make-probes.ts';
import { valuesOf } from './resolve-key.ts';

/** What came of a probe. Holds nothing of a session. */
export type ProbeOutcome = MessageInitShape<typeof AwsTrustProbeSchema> & {
  readonly result: AwsTrustProbeResult;
};

const { DENIED, ACCEPTED, INCONCLUSIVE } = AwsTrustProbeResult;

/**
 * Tries a role without its external ID and with wrong ones, all at once, otherwise as it is tried with the right one. The session of a
 * probe that is let in is dropped where it was answered.
 */
export function probeRole(
  call: AwsCall,
  own: AwsKey,
  request: RoleRequest,
  random: RandomBytes,
  step: TellStep,
): Promise<readonly ProbeOutcome[]> {
  const probes = makeProbes(request.externalId, random);
  const secrets = [...valuesOf(own), request.externalId, ...probes.map(({ externalId }) => externalId)];
  return Promise.all(probes.map((probe) => tryProbe(call, own, request, probe, secrets, step)));
}

async function tryProbe(
  call: AwsCall,
  own: AwsKey,
  request: RoleRequest,
  { kind, externalId, what }: Probe,
  secrets: readonly string[],
  step: TellStep,
): Promise<ProbeOutcome> {
  const name = `trying the role ${what}`;
  step(name, 'RUNNING');
  try {
    await assumeRole(call, own, { ...request, externalId });
    step(name, 'FAILED', 'AWS let it in');
    return { kind, result: ACCEPTED, observation: 'AWS let it in' };
  } catch (error) {
    if (isDenied(error)) {
      step(name, 'PASSED', 'AWS denied it, as it should');
      return { kind, result: DENIED, observation: 'AccessDenied' };
    }
    const { observation } = explainCall(error, 'role', call.region, secrets);
    step(name, 'FAILED', `it could not be found out: ${observation}`);
    return { kind, result: INCONCLUSIVE, observation };
  }
}

/**
 * What probes come to. One that was let in counts whatever else was observed; that all were denied counts only where the right external
 * ID was let in before and after.
 */
export function judgeProbes(
  probes: readonly Pick<ProbeOutcome, 'result'>[],
  letInAfter: boolean,
): AwsExternalIdFinding {
  if (probes.length === 0) return AwsExternalIdFinding.UNSPECIFIED;
  if (probes.some(({ result }) => result === ACCEPTED)) return AwsExternalIdFinding.NOT_ENFORCED;
  return letInAfter && probes.every(({ result }) => result === DENIED)
    ? AwsExternalIdFinding.ENFORCED
    : AwsExternalIdFinding.INCONCLUSIVE;
}
