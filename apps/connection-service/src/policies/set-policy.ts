import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  SetOrganizationPolicyRequest,
  SetOrganizationPolicyResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { internal, organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { findEnvironments } from '../authorizations/find-environments.ts';
import type { Deps } from '../deps.ts';
import { policyMessage } from './policy.ts';
import { writePolicy } from './policy-store.ts';

/** Throws `ENVIRONMENT_NOT_FOUND`, `ENVIRONMENT_NOT_COVERED` where the caller's role is limited to environments. */
export function setPolicy(deps: Deps) {
  return async (
    { policy }: SetOrganizationPolicyRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof SetOrganizationPolicyResponseSchema>> => {
    if (!policy) throw internal('POLICY_MISSING', 'a request without a policy passed validation');
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const living = await deps.lookUpEnvironments(organization.uid);
    const { requireAuthorization, allowedRegions, inlineKeysForbiddenIn: slugs } = policy;
    const forbidden = findEnvironments(slugs, living, organization.slug, 'policy.inline_keys_forbidden_in');
    const seconds = policy.maxSessionDuration && Number(policy.maxSessionDuration.seconds);
    const row = await deps.database.transact(async (tx) => {
      const written = await writePolicy(tx, {
        organizationUid: organization.uid,
        requireAuthorization,
        maxSessionSeconds: seconds ?? null,
        allowedRegions,
        inlineKeysForbiddenIn: forbidden.map(({ uid, slug }) => ({ uid, slug })),
        by: caller.subject.name,
      });
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'policy.set',
          resource: { kind: 'OrganizationPolicy', uid: organization.uid, slug: organization.slug },
          details: {
            require_authorization: String(requireAuthorization),
            max_session_seconds: String(seconds ?? ''),
            allowed_regions: allowedRegions.join(','),
            inline_keys_forbidden_in: slugs.join(','),
          },
        },
      );
      return written;
    });
    return { policy: policyMessage(row, new Set(living.map(({ uid }) => uid))) };
  };
}
