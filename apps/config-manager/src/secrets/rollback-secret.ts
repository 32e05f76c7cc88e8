import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RollbackSecretRequest,
  RollbackSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { KeyringError } from '@planton/keyring';
import { organizationCallerOf, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { checkEtag } from '../etag.ts';
import { withOrganizationKeys } from '../keys/open-organization-keys.ts';
import { environmentFlag, levelOf } from '../level.ts';
import { nextVersion } from './limit-secrets.ts';
import { openVersion, sealVersion } from './seal-version.ts';
import {
  checkNotServerOwned,
  secretDamaged,
  secretMessage,
  secretNotFound,
  versionDestroyed,
  versionNotFound,
} from './secret.ts';
import { addVersion, describeSecret, lockSecret, readVersion } from './secret-store.ts';

/** Versions are immutable and each has its own data key, so the entries of the earlier one are sealed again. */
export function rollbackSecret({ database, keyring, scopeOf, newUid }: Deps) {
  return async (
    request: RollbackSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RollbackSecretResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await scopeOf(context, request.environment, { write: true });
    const organization = scope.organization.uid;
    const { slug } = request;

    return withOrganizationKeys({ database, keyring }, organization, (keys) =>
      database.transact(async (tx) => {
        const secret = await lockSecret(tx, levelOf(scope), slug);
        if (!secret) throw secretNotFound(slug, scope);
        checkEtag(request.etag, secret, slug, `secret get ${slug}${environmentFlag(scope)}`);
        checkNotServerOwned(secret);
        if (request.version === secret.current_version) {
          throw state(
            'SECRET_VERSION_CURRENT',
            `version ${request.version} is the current version of secret "${slug}"`,
            {
              hint: `planton secret versions ${slug}${environmentFlag(scope)}`,
              metadata: { slug },
            },
          );
        }
        const earlier = await readVersion(tx, secret.uid, request.version);
        if (earlier === undefined) throw versionNotFound(slug, request.version, scope);
        if (earlier === 'destroyed') throw versionDestroyed(slug, request.version, scope);

        const uid = newUid();
        const place = { organization, secret: secret.uid };
        const reseal = () => {
          try {
            const entries = openVersion(keyring, keys, place, earlier);
            return sealVersion(keyring, keys, { ...place, version: uid }, entries);
          } catch (error) {
            throw error instanceof KeyringError ? secretDamaged(slug, request.version, error) : error;
          }
        };
        const version = await nextVersion(tx, secret, scope);
        await addVersion(tx, secret, {
          uid,
          version,
          sealed: reseal(),
          createdBy: caller.subject.name,
          rolledBackTo: request.version,
        });
        await recordAudit(tx, organization, caller, [
          {
            action: 'secret.rollback',
            resource: { kind: 'secret', uid: secret.uid, slug },
            environment: scope.environment?.slug ?? '',
            version,
            details: { rolled_back_to: String(request.version) },
          },
        ]);
        const described = await describeSecret(tx, secret.uid);
        return { secret: secretMessage(described, described.keys, scope) };
      }),
    );
  };
}
