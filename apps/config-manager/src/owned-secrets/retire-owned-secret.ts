import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RetireOwnedSecretRequest,
  RetireOwnedSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { reviseSecret } from '../secrets/secret-store.ts';
import { organizationServiceOf } from '../service-caller.ts';
import { isOwnedBy, ownedSecretNotFound } from './owned-secret.ts';
import { eraseVersions, lockSecretByUid } from './owned-secret-store.ts';

/** The row stays, so that the uid is known for ever. References to it stay with their owner, and resolve to nothing. */
export function retireOwnedSecret({ database }: Deps) {
  return async (
    request: RetireOwnedSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RetireOwnedSecretResponseSchema>> => {
    const { organizationUid, ownerUid, secretUid } = request;
    const { service, caller } = organizationServiceOf(context, organizationUid);
    const owner = { organizationUid, service, ownerUid };

    await database.transact(async (tx) => {
      const secret = await lockSecretByUid(tx, secretUid);
      if (!secret || !isOwnedBy(secret, owner)) throw ownedSecretNotFound(secretUid, owner);
      if (secret.delete_time !== null) return;
      await eraseVersions(tx, secretUid);
      await reviseSecret(tx, secretUid, { deleted: true });
      await recordAudit(tx, organizationUid, caller, [
        {
          action: 'secret.retire',
          resource: { kind: 'secret', uid: secretUid, slug: secret.slug },
          version: secret.current_version,
          details: { owner_kind: secret.owner_kind ?? '', owner_uid: ownerUid },
        },
      ]);
    });
    return {};
  };
}
