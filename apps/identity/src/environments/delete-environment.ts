import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DeleteEnvironmentRequest,
  DeleteEnvironmentResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import { environmentMissing } from './environment-message.ts';
import { deleteEnvironmentRow, findEnvironment } from './environment-store.ts';

/**
 * Deletes an environment. Roles that were limited to it cover that much less, and nothing when it was their only one.
 *
 * Throws `ENVIRONMENT_NOT_FOUND`, also where the caller's role does not cover it.
 */
export function deleteEnvironment({ database }: Deps) {
  return async (
    { environment: slug }: DeleteEnvironmentRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DeleteEnvironmentResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization, environments: covered } = caller.membership;
    await database.transact(async (tx) => {
      await lockOrganization(tx, organization.uid);
      const found = await findEnvironment(tx, organization.uid, slug);
      if (!found || (covered !== 'all' && !covered.includes(found.uid))) {
        throw environmentMissing(slug, organization.slug);
      }
      await deleteEnvironmentRow(tx, found.uid);
      await revoke(tx, [found.uid]);
      await recordAudit(tx, organization.uid, caller, {
        action: 'environment.delete',
        resource: { kind: 'environment', uid: found.uid, slug },
      });
    });
    return {};
  };
}
