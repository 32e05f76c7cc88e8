import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  CreateServiceAccountRequest,
  CreateServiceAccountResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { duplicate, organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { authorizeGrant, readActor } from '../members/authorize-grant.ts';
import { listMembersOf } from '../members/member-store.ts';
import { resolveGrant } from '../members/resolve-grant.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import { addServiceAccount } from './add-service-account.ts';
import { serviceAccountMessage } from './service-account-message.ts';
import { findServiceAccount } from './service-account-store.ts';

/**
 * Throws `SERVICE_ACCOUNT_EXISTS`, `SERVICE_ACCOUNT_LIMIT`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`,
 * `ENVIRONMENT_NOT_FOUND`, `OWNER_LIMITED`.
 */
export function createServiceAccount({ database, newUid }: Deps) {
  return async (
    { slug, role, environments }: CreateServiceAccountRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreateServiceAccountResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    const [created] = await database.transact(async (tx) => {
      await lockOrganization(tx, organization.uid);
      const actor = await readActor(tx, caller, Permission.SERVICE_ACCOUNT_MANAGE);
      const grant = await resolveGrant(tx, actor, organization, role, environments);
      authorizeGrant(actor, grant, `giving the role ${grant.role}`);
      if ((await findServiceAccount(tx, organization.uid, slug)) !== undefined) {
        throw duplicate(
          'SERVICE_ACCOUNT_EXISTS',
          `service account "${slug}" exists already in organisation "${organization.slug}"`,
          { metadata: { slug } },
        );
      }
      const uid = newUid();
      await addServiceAccount(tx, caller, { uid, slug }, grant);
      return listMembersOf(tx, organization.uid, { subjectUid: uid });
    });
    return created ? { serviceAccount: serviceAccountMessage(created, organization.slug) } : {};
  };
}
