import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  ListServiceAccountsRequest,
  ListServiceAccountsResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { listMembersOf } from '../members/member-store.ts';
import { serviceAccountMessage } from './service-account-message.ts';

export function listServiceAccounts({ database }: Deps) {
  return async (
    _request: ListServiceAccountsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof ListServiceAccountsResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const accounts = await listMembersOf(database.query, organization.uid, { kind: 'service_account' });
    return { serviceAccounts: accounts.map((account) => serviceAccountMessage(account, organization.slug)) };
  };
}
