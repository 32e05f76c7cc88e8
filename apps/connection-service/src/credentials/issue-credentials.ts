import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  IssueCredentialsRequest,
  IssueCredentialsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import {
  type OrganizationCaller,
  organizationCallerOf,
  type Scope,
  stale,
  toDomainError,
} from '@planton/rpc';
import type { AuditEntry } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import {
  checkInlineKeys,
  checkRegion,
  limitSession,
  type Policy,
  USUAL_SESSION_S,
} from '../policies/policy.ts';
import type { Credentials, CredentialsPlan, IssueOptions } from '../providers/provider.ts';
import { resolveReferences } from '../references/resolve-references.ts';
import { type Answer, sources } from '../resolution/decide-connection.ts';
import { askAsActor } from './ask-as-actor.ts';
import { issueSession } from './issue-session.ts';
import { specOf } from './spec-of.ts';

interface Issue {
  readonly deps: Deps;
  readonly request: IssueCredentialsRequest;
  readonly context: HandlerContext;
  readonly caller: OrganizationCaller;
  /** The connection once it is known, for the audit record. */
  answer: Answer | undefined;
}

interface Issued {
  readonly credentials: Credentials;
  /** For the record. */
  readonly details: Readonly<Record<string, string>>;
}

/**
 * Resolves and authorises anew on every call, and once more where opening a session took time. The record is durable before the answer
 * leaves; refusals and failures are recorded too. A call that a session is kept for costs one statement and one record, and shares both
 * with those that come at the same time.
 */
export function issueCredentials(deps: Deps) {
  return async (
    request: IssueCredentialsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof IssueCredentialsResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const issue: Issue = { deps, request, context, caller, answer: undefined };
    try {
      const scope = await scopeOf(issue);
      const answer = await deps.decideConnection(scope, request, true);
      issue.answer = answer;
      const { credentials, details } = await issueFor(issue, scope, answer);
      await record(issue, { outcome: 'succeeded', details });
      return {
        connection: answer.connection.slug,
        connectionUid: answer.connection.uid,
        revision: answer.connection.revision,
        source: sources[answer.source],
        credentials,
      };
    } catch (thrown) {
      const error = toDomainError(thrown);
      await record(issue, {
        outcome: isRefusal(error?.kind, error?.reason) ? 'denied' : 'failed',
        details: { reason: error?.reason ?? 'INTERNAL' },
      });
      throw thrown;
    }
  };
}

function scopeOf({ deps, request, context }: Issue): Promise<Scope> {
  return deps.scopeOf(context, request.environment, { write: true });
}

function isRefusal(kind: string | undefined, reason: string | undefined): boolean {
  return (
    kind === 'denied' || reason === 'CONNECTION_NOT_AUTHORIZED' || reason?.startsWith('POLICY_') === true
  );
}

async function issueFor(issue: Issue, scope: Scope, { connection }: Answer): Promise<Issued> {
  const { deps, request, context, caller } = issue;
  const { provider, spec } = specOf(connection);
  const asked = {
    connection: connection.slug,
    sessionPolicy: request.sessionPolicy,
    durationSeconds: request.duration && Number(request.duration.seconds),
  };
  const plan = provider.planCredentials(spec, asked);
  const options = demandOf(connection.policy, plan, asked, scope);
  const org = scope.organization.slug;
  const purpose = request.purpose === '' ? `credentials of ${connection.slug}` : request.purpose;
  const ask = askAsActor(deps, context, { org, ownerUid: connection.uid, purpose });
  const resolved = await resolveReferences(connection.slug, plan.uses, ask);
  const region = provider.regionOf(spec, resolved);
  checkRegion(connection.policy, region, connection.slug);
  if (plan.from === 'values') {
    return { credentials: provider.issueCredentials(spec, resolved), details: {} };
  }
  const unopened = { connection, provider, spec, plan, resolved, scope, options, caller, purpose };
  const { waited, ...issued } = await issueSession(deps, context, unopened);
  if (waited) {
    const { policy } = await checkUnchanged(issue, connection);
    checkRegion(policy, region, connection.slug);
    limitSession(policy, options.durationSeconds ?? USUAL_SESSION_S, connection.slug);
  }
  return issued;
}

/** What is asked for within what the organisation demands. Throws where that cannot be. */
function demandOf(policy: Policy, plan: CredentialsPlan, asked: IssueOptions, scope: Scope): IssueOptions {
  if (plan.from === 'values') {
    checkInlineKeys(policy, scope, asked.connection);
    return asked;
  }
  return { ...asked, durationSeconds: limitSession(policy, asked.durationSeconds, asked.connection) };
}

/** Throws what the resolver throws by now, and `CONNECTION_CHANGED` where the question has another answer than before. */
async function checkUnchanged(issue: Issue, before: Answer['connection']): Promise<Answer['connection']> {
  const { connection: now } = await issue.deps.decideConnection(await scopeOf(issue), issue.request, true);
  if (now.uid === before.uid && now.revision === before.revision) return now;
  throw stale(
    'CONNECTION_CHANGED',
    `connection "${before.slug}" was changed, or is not the one that applies any more, while its session was opened`,
    { hint: 'ask again', metadata: { connection: before.slug } },
  );
}

function record(
  { deps, request, caller, answer }: Issue,
  { outcome = 'failed', details }: Pick<AuditEntry, 'outcome' | 'details'>,
): Promise<void> {
  const connection = answer?.connection;
  return deps.audit.record({
    uid: deps.newUid(),
    origin: { organizationUid: caller.membership.organization.uid, caller },
    entry: {
      action: 'credentials.issue',
      resource: {
        kind: connection?.kind ?? '',
        uid: connection?.uid ?? '',
        slug: connection?.slug ?? request.connection,
      },
      environment: request.environment,
      version: connection?.revision ?? 0,
      purpose: request.purpose,
      outcome,
      details: { ...details, ...(answer && { source: answer.source }) },
    },
  });
}
