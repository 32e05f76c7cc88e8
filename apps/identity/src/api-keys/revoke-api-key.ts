import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RevokeApiKeyRequest,
  RevokeApiKeyResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { missing, organizationCallerOf, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { revoke } from '../revocations/revocation-store.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { countLivingKeys, endKey, findKeys, type SeenApiKey } from './api-key-store.ts';
import { keyViewOf } from './key-view.ts';

/**
 * Ends a key, whatever the role of its service account: stopping a leaked key matters more than rank.
 *
 * Throws `API_KEY_NOT_FOUND`, for keys of others too, `API_KEY_AMBIGUOUS`, `LAST_INSTANCE_OWNER_KEY`.
 */
export function revokeApiKey({ database }: Deps) {
  return async (
    { apiKey }: RevokeApiKeyRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RevokeApiKeyResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    await database.transact(async (tx) => {
      const key = choose(await findKeys(tx, keyViewOf(caller), apiKey), apiKey, organization.slug);
      const subject = await lockSubject(tx, key.subject_uid);
      if (key.revoke_time !== null || !(await endKey(tx, key.uid))) return;
      if (subject?.instance_owner && (await countLivingKeys(tx, subject.uid)) === 0) {
        throw state(
          'LAST_INSTANCE_OWNER_KEY',
          'without this key nobody could administer the server any more',
          {
            hint: 'planton api-key create --name NAME makes another, then revoke this one',
          },
        );
      }
      await revoke(tx, [key.uid]);
      await recordAudit(tx, organization.uid, caller, {
        action: 'api_key.revoke',
        resource: { kind: 'api_key', uid: key.uid, slug: key.name },
        details: { subject_uid: key.subject_uid },
      });
    });
    return {};
  };
}

function choose(found: readonly SeenApiKey[], uidOrName: string, org: string): SeenApiKey {
  const exact = found.find(({ uid }) => uid === uidOrName);
  if (exact) return exact;
  const living = found.filter((key) => key.revoke_time === null);
  if (living.length > 1) {
    throw state(
      'API_KEY_AMBIGUOUS',
      `${living.length} keys are called "${uidOrName}": ${living.map(({ uid }) => uid).join(', ')}`,
      { hint: 'planton api-key revoke UID', metadata: { name: uidOrName } },
    );
  }
  const only = living[0] ?? found[0];
  if (only) return only;
  throw missing('API_KEY_NOT_FOUND', `you have no API key "${uidOrName}" in organisation "${org}"`, {
    hint: 'planton api-key list',
    metadata: { api_key: uidOrName },
  });
}
