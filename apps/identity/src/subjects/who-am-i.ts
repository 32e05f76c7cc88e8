import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { WhoAmIRequest, WhoAmIResponseSchema } from '@planton/api/identity/v1/identity_service';
import { callerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { subjectKindOf } from '../members/role.ts';
import { organizationMessage } from '../organizations/organization-message.ts';
import { listOrganizationsOf } from '../organizations/organization-store.ts';
import { findEmail } from '../sign-in/person-store.ts';

/** Who the caller is, and where a member. */
export function whoAmI({ database }: Deps) {
  return async (
    _request: WhoAmIRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof WhoAmIResponseSchema>> => {
    const { subject } = callerOf(context);
    const email = subject.kind === 'user' ? await findEmail(database.query, subject.uid) : undefined;
    const organizations = await listOrganizationsOf(database.query, subject.uid);
    return {
      subjectUid: subject.uid,
      kind: subjectKindOf(subject.kind),
      name: subject.name,
      instanceOwner: subject.instanceOwner,
      email: email ?? '',
      organizations: organizations.map(organizationMessage),
    };
  };
}
