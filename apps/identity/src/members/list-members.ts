import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListMembersRequest,
  ListMembersResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { memberMessage } from './member-message.ts';
import { listMembersOf } from './member-store.ts';

export function listMembers({ database }: Deps) {
  return async (
    _request: ListMembersRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListMembersResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    return { members: (await listMembersOf(database.query, organization.uid)).map(memberMessage) };
  };
}
