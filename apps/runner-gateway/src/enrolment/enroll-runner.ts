import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { EnrollRunnerRequest, EnrollRunnerResponseSchema } from '@planton/api/runner/v1/runner_service';
import { isForeignKeyViolation } from '@planton/database';
import { requestOriginOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { checkCertificateRequest } from '../certificates/check-request.ts';
import type { Deps } from '../deps.ts';
import { PLATFORM_RUNNER_UID } from '../runners/runner.ts';
import { certificateMessage, certify, instanceEntry } from './identity.ts';
import { insertInstance } from './identity-store.ts';
import { hashToken, isToken, tokenInvalid } from './token.ts';
import { findGoodToken, useToken } from './token-store.ts';

const FIRST_GENERATION = 1;

/**
 * Makes an instance, for whoever has a token. What costs little comes first, and the token before the rest, so that a stranger learns
 * nothing and has little done for him. Throws `ENROLMENT_TOKEN_INVALID`, `CERTIFICATE_REQUEST_INVALID`.
 */
export function enrollRunner(deps: Deps) {
  return async (
    request: EnrollRunnerRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof EnrollRunnerResponseSchema>> => {
    if (!isToken(request.token)) throw tokenInvalid();
    const hash = hashToken(request.token);
    const token = await findGoodToken(deps.database.query, hash);
    if (!token) throw tokenInvalid();
    const publicKey = await checkCertificateRequest(request.certificateRequest);

    const uid = deps.newUid();
    const { runner_uid, organization_uid, organization_slug, slug } = token;
    const identity = { uid, public_key: publicKey, organization_slug, slug, name: request.instanceName };
    const issued = await certify(deps, identity, FIRST_GENERATION);
    const isPlatform = runner_uid === PLATFORM_RUNNER_UID;
    const ephemeral = request.ephemeral || isPlatform;

    const enrol = deps.database.transact(async (tx) => {
      if (!(await useToken(tx, hash))) throw tokenInvalid();
      await insertInstance(tx, {
        uid,
        runnerUid: runner_uid,
        organizationUid: organization_uid,
        name: request.instanceName,
        publicKey,
        ephemeral,
        certificateExpireTime: issued.expireTime,
      });
      const subject = { uid: token.uid, name: 'runner token' };
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization_uid, caller: { subject, ...requestOriginOf(context) } },
        instanceEntry('enrol', identity, FIRST_GENERATION, {
          runner_uid,
          token_uid: token.uid,
          ephemeral: String(ephemeral),
        }),
      );
    });
    await enrol.catch((error: unknown) => {
      // The runner was deleted meanwhile, and its token with it.
      throw isForeignKeyViolation(error) ? tokenInvalid() : error;
    });
    deps.wake.changed(organization_uid);
    return {
      instanceUid: uid,
      runnerUid: runner_uid,
      runner: isPlatform ? '' : slug,
      org: organization_slug,
      certificate: certificateMessage(deps, issued, FIRST_GENERATION),
      gatewayAddress: deps.gatewayAddress,
    };
  };
}
