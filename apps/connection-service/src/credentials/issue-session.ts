import type { HandlerContext } from '@connectrpc/connect';
import type { Caller, Scope } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { Credentials, IssueOptions } from '../providers/provider.ts';
import { openSession, type UnopenedSession } from './open-session.ts';
import { sessionKey } from './session-key.ts';

/** A session that is asked for. */
export interface SessionRequest extends Omit<UnopenedSession, 'order'> {
  readonly scope: Scope;
  readonly options: IssueOptions;
  readonly caller: Caller;
}

export interface IssuedSession {
  readonly credentials: Credentials;
  readonly details: Readonly<Record<string, string>>;
  /** Whether a session was opened meanwhile, so that what was decided before may not hold any more. */
  readonly waited: boolean;
}

/** A session that is kept, else one that is opened now, for all who ask for the same. */
export async function issueSession(
  deps: Deps,
  context: HandlerContext,
  { options, caller, ...request }: SessionRequest,
): Promise<IssuedSession> {
  const { connection, scope, resolved } = request;
  const { uid, name } = caller.subject;
  const order = {
    ...options,
    organization: scope.organization.slug,
    environment: scope.environment?.slug,
    requester: { uid, name, via: caller.via },
  };
  const key = sessionKey({ connection, environmentUid: scope.environment?.uid ?? '', order, resolved });
  const session = await deps.sessions.take(key, () => openSession(deps, context, { ...request, order }));
  return {
    credentials: session.credentials,
    waited: session.waited,
    details: {
      ...session.details,
      expire_time: session.expireTime.toISOString(),
      cached: String(session.cached),
      ...(session.renewalFailed !== undefined && { renewal_failed: session.renewalFailed }),
    },
  };
}
