import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RevokeRunnerTokenRequest,
  RevokeRunnerTokenResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { tokenMessage, tokenNotFound } from './token.ts';
import { lockToken, revokeTokenRow } from './token-store.ts';

/** Makes a token useless; what enrolled with it stays. One that is revoked already stays as it is. */
export function revokeRunnerToken(deps: Deps) {
  return async (
    request: RevokeRunnerTokenRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RevokeRunnerTokenResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);

    return deps.database.transact(async (tx) => {
      const token = await lockToken(tx, organization.uid, request.tokenUid);
      if (!token) throw tokenNotFound(organization.slug, request.tokenUid);
      if (token.revoke_time) return { token: tokenMessage(token, token.runner_slug) };
      const revoked = await revokeTokenRow(tx, token.uid);
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'runner_token.revoke',
          resource: { kind: 'runner_token', uid: token.uid, slug: token.runner_slug },
        },
      );
      return { token: tokenMessage(revoked, token.runner_slug) };
    });
  };
}
