import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  DeleteServiceAccountRequest,
  DeleteServiceAccountResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { authorizeGrant, readActor } from '../members/authorize-grant.ts';
import { findGrant } from '../members/member-store.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { serviceAccountMissing } from './service-account-message.ts';
import { endServiceAccount, findServiceAccount } from './service-account-store.ts';

/** Throws `SERVICE_ACCOUNT_NOT_FOUND`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`. */
export function deleteServiceAccount({ database }: Deps) {
  return async (
    { slug }: DeleteServiceAccountRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteServiceAccountResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    await database.transact(async (tx) => {
      await lockOrganization(tx, organization.uid);
      const actor = await readActor(tx, caller, Permission.SERVICE_ACCOUNT_MANAGE);
      const uid = await findServiceAccount(tx, organization.uid, slug);
      const current = uid && (await findGrant(tx, organization.uid, uid));
      if (!uid || !current) {
        throw serviceAccountMissing(slug, organization.slug);
      }
      authorizeGrant(actor, current, `deleting a service account with the role ${current.role}`);
      await lockSubject(tx, uid);
      await endServiceAccount(tx, uid);
      await revoke(tx, [uid]);
      await recordAudit(tx, organization.uid, caller, {
        action: 'service_account.delete',
        resource: { kind: 'service_account', uid, slug },
      });
    });
    return {};
  };
}
