import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DestroySecretVersionRequest,
  DestroySecretVersionResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { organizationCallerOf, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { environmentFlag, levelOf } from '../level.ts';
import { checkNotServerOwned, secretNotFound, versionMessage, versionNotFound } from './secret.ts';
import { eraseVersion, findVersion, lockDeletedSecret, lockSecret, reviseSecret } from './secret-store.ts';

/** Looks at the living secret of the slug, else at the one that was deleted last. Destroying again changes nothing. */
export function destroySecretVersion({ database, scopeOf }: Deps) {
  return async (
    request: DestroySecretVersionRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DestroySecretVersionResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await scopeOf(context, request.environment, { write: true });
    const { slug } = request;

    return database.transact(async (tx) => {
      const level = levelOf(scope);
      const secret = (await lockSecret(tx, level, slug)) ?? (await lockDeletedSecret(tx, level, slug));
      if (!secret) throw secretNotFound(slug, scope);
      checkNotServerOwned(secret);
      const version = await findVersion(tx, secret.uid, request.version);
      if (!version) throw versionNotFound(slug, request.version, scope);
      if (secret.delete_time === null && version.version === secret.current_version) {
        throw state(
          'SECRET_VERSION_CURRENT',
          `version ${version.version} is the current version of secret "${slug}" and cannot be destroyed`,
          {
            hint: `planton secret set ${slug} value=…${environmentFlag(scope)}`,
            metadata: { slug, version: String(version.version) },
          },
        );
      }
      if (version.destroy_time) return { version: versionMessage(version, version.keys) };

      await eraseVersion(tx, version.uid);
      await reviseSecret(tx, secret.uid);
      await recordAudit(tx, level.organizationUid, caller, [
        {
          action: 'secret.destroy_version',
          resource: { kind: 'secret', uid: secret.uid, slug },
          environment: scope.environment?.slug ?? '',
          version: version.version,
        },
      ]);
      const destroyed = (await findVersion(tx, secret.uid, version.version)) ?? version;
      return { version: versionMessage(destroyed, destroyed.keys) };
    });
  };
}
