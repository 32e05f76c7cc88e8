import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListOrganizationsRequest,
  ListOrganizationsResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { callerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { organizationMessage } from './organization-message.ts';
import { listOrganizationsOf } from './organization-store.ts';

/** The organisations that the caller is a member of. The instance owner sees no others: owning a server is no membership. */
export function listOrganizations({ database }: Deps) {
  return async (
    _request: ListOrganizationsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListOrganizationsResponseSchema>> => {
    const { subject } = callerOf(context);
    const organizations = await listOrganizationsOf(database.query, subject.uid);
    return { organizations: organizations.map(organizationMessage) };
  };
}
