import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  GetOrganizationPolicyRequest,
  GetOrganizationPolicyResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { policyMessage } from './policy.ts';
import { findPolicy } from './policy-store.ts';

export function getPolicy(deps: Deps) {
  return async (
    _request: GetOrganizationPolicyRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof GetOrganizationPolicyResponseSchema>> => {
    const { organization } = organizationCallerOf(context).membership;
    const row = await findPolicy(deps.database.query, organization.uid);
    const living = row ? await deps.lookUpEnvironments(organization.uid) : [];
    return { policy: policyMessage(row, new Set(living.map(({ uid }) => uid))) };
  };
}
