import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  CreateRunnerTokenRequest,
  CreateRunnerTokenResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf, quota } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { runnerNotFound, runnerRevoked } from '../runners/runner.ts';
import { holdRunner } from '../runners/runner-change-store.ts';
import { findRunnerByName } from '../runners/runner-store.ts';
import { hashToken, mintToken, tokenMessage } from './token.ts';
import { countGoodTokensInTurn, insertToken } from './token-store.ts';

/** Of one runner, that can still be used. */
const TOKENS_AT_MOST = 1_000;
const DEFAULT_USES = 1;
const DEFAULT_LIFETIME_SECONDS = 3_600;

/** Makes a token. Its text leaves in this answer and nowhere else. Throws `RUNNER_REVOKED`, `RUNNER_TOKEN_LIMIT`. */
export function createRunnerToken(deps: Deps) {
  return async (
    request: CreateRunnerTokenRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreateRunnerTokenResponseSchema>> => {
    const { organization } = await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const { uid: runnerUid } = await findRunnerByName(deps.database.query, organization, request.runner);
    const text = mintToken(deps.randomBytes);

    return deps.database.transact(async (tx) => {
      const runner = await holdRunner(tx, runnerUid);
      if (!runner) throw runnerNotFound(organization.slug, request.runner);
      if (runner.revoke_time) throw runnerRevoked(runner.slug);
      const token = await insertToken(tx, {
        uid: deps.newUid(),
        runnerUid,
        organizationUid: organization.uid,
        hash: hashToken(text),
        useLimit: request.useLimit ?? DEFAULT_USES,
        lifetimeSeconds: request.lifetime ? Number(request.lifetime.seconds) : DEFAULT_LIFETIME_SECONDS,
        by: caller.subject.name,
      });
      if ((await countGoodTokensInTurn(tx, runnerUid)) > TOKENS_AT_MOST) throw tooMany(runner.slug);
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid: organization.uid, caller },
        {
          action: 'runner_token.create',
          resource: { kind: 'runner_token', uid: token.uid, slug: runner.slug },
          details: {
            use_limit: String(token.use_limit),
            expire_time: token.expire_time.toISOString(),
          },
        },
      );
      return { token: tokenMessage(token, runner.slug), text };
    });
  };
}

function tooMany(slug: string) {
  return quota(
    'RUNNER_TOKEN_LIMIT',
    `runner "${slug}" has ${TOKENS_AT_MOST} tokens that can be used, and no more are made`,
    {
      hint: `planton runner token revoke UID; one made with --pool is for many instances`,
      metadata: { limit: String(TOKENS_AT_MOST) },
    },
  );
}
