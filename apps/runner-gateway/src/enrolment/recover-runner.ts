import { createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RecoverRunnerRequest,
  RecoverRunnerResponseSchema,
  RecoveryProof,
} from '@planton/api/runner/v1/runner_service';
import { denied, requestOriginOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { certificateMessage, certify, instanceEntry, originOfInstance, refusalOf } from './identity.ts';
import { findIdentity, lockIdentity, reviseIdentity, useNonce } from './identity-store.ts';
import { checkNonce, mintNonce } from './nonce.ts';

/** What is signed begins with this, so that the key never signs the same bytes for another end. */
const SIGNED_PREFIX = Buffer.from('planton/runner-recovery/v1\0');

/**
 * Replaces the certificate of an instance that proves that it has the key which it enrolled with, however long it was away. One and
 * the same refusal for whatever is wrong. Throws `RECOVERY_REFUSED`.
 */
export function recoverRunner(deps: Deps) {
  // For uids that are nobody's: they take as long as others.
  const nobody = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey;
  const strangersKey = nobody.export({ format: 'der', type: 'spki' });

  return async (
    { instanceUid, proof }: RecoverRunnerRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RecoverRunnerResponseSchema>> => {
    if (!proof) {
      const nonce = mintNonce(deps.nonceKey, instanceUid, deps.now(), deps.randomBytes);
      return { answer: { case: 'nonce', value: new Uint8Array(nonce) } };
    }
    const nonceEnd = checkNonce(deps.nonceKey, instanceUid, proof.nonce, deps.now());
    if (!nonceEnd) throw recoveryRefused();
    const known = await findIdentity(deps.database.query, instanceUid);
    const isProven = isSignedBy(known?.public_key ?? strangersKey, proof);
    if (!known || !isProven) throw recoveryRefused();
    const certificate = await recover(deps, context, instanceUid, proof.nonce, nonceEnd);
    deps.wake.changed(known.organization_uid);
    return {
      answer: { case: 'recovered', value: { certificate, gatewayAddress: deps.gatewayAddress } },
    };
  };
}

/** The key of an instance never changes, so the proof holds inside the transaction too. */
function recover(
  deps: Deps,
  context: HandlerContext,
  instanceUid: string,
  nonce: Uint8Array,
  nonceEnd: Date,
) {
  return deps.database.transact(async (tx) => {
    const instance = await lockIdentity(tx, instanceUid);
    if (!instance || refusalOf(instance)) throw recoveryRefused();
    if (!(await useNonce(tx, createHash('sha256').update(nonce).digest(), nonceEnd))) throw recoveryRefused();
    const generation = instance.generation + 1;
    const issued = await certify(deps, instance, generation);
    await reviseIdentity(tx, instance.uid, {
      generation,
      usedGeneration: instance.used_generation,
      certificateExpireTime: issued.expireTime,
    });
    await recordAudit(
      tx,
      deps.newUid(),
      originOfInstance(instance, requestOriginOf(context)),
      instanceEntry('recover', instance, generation),
    );
    return certificateMessage(deps, issued, generation);
  });
}

function isSignedBy(publicKey: Buffer, { nonce, signature }: RecoveryProof): boolean {
  const key = createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
  try {
    return verify('sha256', Buffer.concat([SIGNED_PREFIX, nonce]), key, signature);
  } catch {
    return false;
  }
}

function recoveryRefused() {
  return denied('RECOVERY_REFUSED', 'this instance cannot be recovered with this proof', {
    hint: 'planton runner token create RUNNER, and enrol anew with it',
  });
}
