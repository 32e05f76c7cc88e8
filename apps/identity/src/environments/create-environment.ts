import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  CreateEnvironmentRequest,
  CreateEnvironmentResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { isUniqueViolation } from '@planton/database';
import { denied, duplicate, organizationCallerOf, quota } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import { environmentMessage } from './environment-message.ts';
import { countEnvironments, insertEnvironment } from './environment-store.ts';

/** Every service reads the whole list of an organisation, so it stays short. */
const ENVIRONMENTS_AT_MOST = 500;

/** Throws `ENVIRONMENT_EXISTS`, `ENVIRONMENT_LIMIT`, `ENVIRONMENT_NOT_COVERED`. */
export function createEnvironment({ database, newUid }: Deps) {
  return async (
    { slug }: CreateEnvironmentRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreateEnvironmentResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization, environments } = caller.membership;
    if (environments !== 'all') {
      throw denied(
        'ENVIRONMENT_NOT_COVERED',
        `your role in ${organization.slug} is limited to environments and does not cover new ones`,
        { hint: 'ask an owner or admin of the organisation' },
      );
    }
    try {
      const environment = await database.transact(async (tx) => {
        await lockOrganization(tx, organization.uid);
        if ((await countEnvironments(tx, organization.uid)) >= ENVIRONMENTS_AT_MOST) {
          throw quota(
            'ENVIRONMENT_LIMIT',
            `organisation "${organization.slug}" has ${ENVIRONMENTS_AT_MOST} environments, which is the limit`,
            {
              hint: 'planton env delete ENVIRONMENT',
              metadata: { limit: String(ENVIRONMENTS_AT_MOST) },
            },
          );
        }
        const created = await insertEnvironment(tx, {
          uid: newUid(),
          organization_uid: organization.uid,
          slug,
        });
        await recordAudit(tx, organization.uid, caller, {
          action: 'environment.create',
          resource: { kind: 'environment', uid: created.uid, slug },
        });
        return created;
      });
      return { environment: environmentMessage(environment, organization.slug) };
    } catch (error) {
      if (!isUniqueViolation(error, 'environment_slug')) throw error;
      throw duplicate(
        'ENVIRONMENT_EXISTS',
        `environment "${slug}" exists already in organisation "${organization.slug}"`,
        { hint: 'planton env list', metadata: { environment: slug }, cause: error },
      );
    }
  };
}
