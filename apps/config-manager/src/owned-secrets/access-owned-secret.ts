import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  AccessOwnedSecretRequest,
  AccessOwnedSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import type { Deps } from '../deps.ts';
import { organizationServiceOf } from '../service-caller.ts';
import { openOwnedSecret } from './open-owned-secret.ts';
import { ownedSecretNotFound } from './owned-secret.ts';

export function accessOwnedSecret(deps: Deps) {
  return async (
    request: AccessOwnedSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof AccessOwnedSecretResponseSchema>> => {
    const { organizationUid, ownerUid, secretUid, purpose } = request;
    const { service, caller } = organizationServiceOf(context, organizationUid);
    const owner = { organizationUid, service, ownerUid };
    const opened = await openOwnedSecret(deps, secretUid, owner, { caller, purpose });
    if (!opened) throw ownedSecretNotFound(secretUid, owner);
    return opened;
  };
}
