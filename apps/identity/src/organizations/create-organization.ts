import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  CreateOrganizationRequest,
  CreateOrganizationResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { isUniqueViolation } from '@planton/database';
import { callerOf, duplicate, quota } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { insertMember } from '../members/member-store.ts';
import { organizationMessage } from './organization-message.ts';
import { countOrganizationsInTurn, insertOrganization } from './organization-store.ts';

/** Of one server. */
const ORGANIZATIONS_AT_MOST = 10_000;

/** Creates an organisation that the caller owns. Throws `ORGANIZATION_EXISTS`, `ORGANIZATION_LIMIT`. */
export function createOrganization({ database, newUid }: Deps) {
  return async (
    { slug, name }: CreateOrganizationRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreateOrganizationResponseSchema>> => {
    const caller = callerOf(context);
    try {
      const organization = await database.transact(async (tx) => {
        const created = await insertOrganization(tx, { uid: newUid(), slug, name: name || slug });
        if ((await countOrganizationsInTurn(tx)) > ORGANIZATIONS_AT_MOST) throw tooMany();
        await insertMember(tx, created.uid, caller.subject.uid, { role: 'owner', environments: 'all' });
        await recordAudit(tx, created.uid, caller, {
          action: 'organization.create',
          resource: { kind: 'organization', uid: created.uid, slug },
        });
        return created;
      });
      return { organization: organizationMessage({ ...organization, role: 'owner' }) };
    } catch (error) {
      if (!isUniqueViolation(error, 'organization_slug')) throw error;
      throw duplicate('ORGANIZATION_EXISTS', `organisation "${slug}" exists already`, {
        hint: 'planton org list',
        metadata: { org: slug },
        cause: error,
      });
    }
  };
}

function tooMany() {
  return quota(
    'ORGANIZATION_LIMIT',
    `this server has ${ORGANIZATIONS_AT_MOST} organisations, which is the limit`,
    {
      hint: 'organisations stay: use environments in one of them (planton org list), or another server',
      metadata: { limit: String(ORGANIZATIONS_AT_MOST) },
    },
  );
}
