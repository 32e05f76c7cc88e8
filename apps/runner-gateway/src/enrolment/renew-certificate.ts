import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RenewCertificateRequest,
  RenewCertificateResponseSchema,
} from '@planton/api/runner/v1/runner_gateway';
import { peerCertificateOf, requestOriginOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { type InstanceName, parseInstanceName } from '../certificates/instance-name.ts';
import type { Deps } from '../deps.ts';
import {
  certificateMessage,
  certify,
  instanceEntry,
  instanceRefused,
  originOfInstance,
  refusalOf,
} from './identity.ts';
import { lockIdentity, reviseIdentity } from './identity-store.ts';
import { lockOut } from './lock-out.ts';

/**
 * Gives the instance that calls its next certificate, for the key that it has. A certificate that has been replaced and whose
 * successor was used locks the instance. Throws `RUNNER_INSTANCE_UNKNOWN`, `RUNNER_INSTANCE_REVOKED`, `RUNNER_INSTANCE_LOCKED`.
 */
export function renewCertificate(deps: Deps) {
  return async (
    _request: RenewCertificateRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RenewCertificateResponseSchema>> => {
    const shown = parseInstanceName(peerCertificateOf(context).subjectAltName);
    if (!shown) throw instanceRefused('unknown');
    const { certificate, locked } = await renew(deps, context, shown);
    if (certificate) return { certificate };
    deps.wake.revoked();
    deps.wake.changed(locked);
    throw instanceRefused('locked');
  };
}

function renew(deps: Deps, context: HandlerContext, shown: InstanceName) {
  return deps.database.transact(async (tx) => {
    const instance = await lockIdentity(tx, shown.instanceUid);
    if (!instance) throw instanceRefused('unknown');
    const refusal = refusalOf(instance);
    if (refusal) throw instanceRefused(refusal);
    const origin = requestOriginOf(context);
    if (shown.generation < instance.used_generation) {
      await lockOut(tx, deps, instance, shown.generation, origin);
      return { locked: instance.organization_uid };
    }
    const generation = Math.max(instance.generation, shown.generation) + 1;
    const issued = await certify(deps, instance, generation);
    await reviseIdentity(tx, instance.uid, {
      generation,
      usedGeneration: shown.generation,
      certificateExpireTime: issued.expireTime,
    });
    await recordAudit(
      tx,
      deps.newUid(),
      originOfInstance(instance, origin),
      instanceEntry('renew', instance, generation),
    );
    return { locked: '', certificate: certificateMessage(deps, issued, generation) };
  });
}
