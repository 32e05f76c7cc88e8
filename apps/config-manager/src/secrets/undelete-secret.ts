import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  UndeleteSecretRequest,
  UndeleteSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { isUniqueViolation } from '@planton/database';
import { missing, organizationCallerOf, type Scope, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { describeLevel, environmentFlag, levelOf } from '../level.ts';
import { limitSecrets } from './limit-secrets.ts';
import { checkNotServerOwned, secretMessage } from './secret.ts';
import { describeSecret, lockDeletedSecret, lockSecret, reviseSecret } from './secret-store.ts';

export function undeleteSecret({ database, scopeOf }: Deps) {
  return async (
    request: UndeleteSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof UndeleteSecretResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await scopeOf(context, request.environment, { write: true });
    const { slug } = request;

    const undelete = () =>
      database.transact(async (tx) => {
        const level = levelOf(scope);
        const living = await lockSecret(tx, level, slug);
        if (living) throw slugTaken(slug, scope, living.owner_uid !== null);
        const secret = await lockDeletedSecret(tx, level, slug);
        // One that waited for the lock may find that someone else has undeleted the secret meanwhile.
        if (!secret)
          throw (await lockSecret(tx, level, slug)) ? slugTaken(slug, scope) : noDeletedSecret(slug, scope);
        checkNotServerOwned(secret);
        await reviseSecret(tx, secret.uid, { deleted: false });
        await limitSecrets(tx, scope);
        await recordAudit(tx, level.organizationUid, caller, [
          {
            action: 'secret.undelete',
            resource: { kind: 'secret', uid: secret.uid, slug },
            environment: scope.environment?.slug ?? '',
            version: secret.current_version,
          },
        ]);
        const described = await describeSecret(tx, secret.uid);
        return { secret: secretMessage(described, described.keys, scope) };
      });

    try {
      return await undelete();
    } catch (error) {
      if (isUniqueViolation(error, 'secret_slug')) throw slugTaken(slug, scope);
      throw error;
    }
  };
}

function slugTaken(slug: string, scope: Scope, serverOwned = false) {
  return state('SECRET_SLUG_TAKEN', `there is a living secret "${slug}" in ${describeLevel(scope)}`, {
    hint: `planton secret ${serverOwned ? 'usages' : 'delete'} ${slug}${environmentFlag(scope)}`,
    metadata: { slug },
  });
}

function noDeletedSecret(slug: string, scope: Scope) {
  return missing('SECRET_NOT_FOUND', `there is no deleted secret "${slug}" in ${describeLevel(scope)}`, {
    hint: `planton secret list${environmentFlag(scope)}`,
    metadata: { slug },
  });
}
