import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DeleteSecretRequest,
  DeleteSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { checkEtag } from '../etag.ts';
import { environmentFlag, levelOf } from '../level.ts';
import { targetInUse } from '../references/reference.ts';
import { listUsers } from '../references/reference-store.ts';
import { checkNotServerOwned, secretMessage, secretNotFound } from './secret.ts';
import { describeSecret, lockSecret, reviseSecret } from './secret-store.ts';

/** The lock keeps new references out until the end: registering one waits for it, and then finds the secret deleted. */
export function deleteSecret({ database, scopeOf }: Deps) {
  return async (
    request: DeleteSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteSecretResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await scopeOf(context, request.environment, { write: true });
    const { slug } = request;

    return database.transact(async (tx) => {
      const secret = await lockSecret(tx, levelOf(scope), slug);
      if (!secret) throw secretNotFound(slug, scope);
      checkEtag(request.etag, secret, slug, `secret get ${slug}${environmentFlag(scope)}`);
      checkNotServerOwned(secret);
      const users = await listUsers(tx, secret.uid);
      if (users.length > 0) throw targetInUse('secret', slug, users);

      await reviseSecret(tx, secret.uid, { deleted: true });
      await recordAudit(tx, scope.organization.uid, caller, [
        {
          action: 'secret.delete',
          resource: { kind: 'secret', uid: secret.uid, slug },
          environment: scope.environment?.slug ?? '',
          version: secret.current_version,
        },
      ]);
      const described = await describeSecret(tx, secret.uid);
      return { secret: secretMessage(described, described.keys, scope) };
    });
  };
}
