import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  IssueCredentialsRequest,
  IssueCredentialsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { asActor, type OrganizationCaller, organizationCallerOf, toDomainError } from '@planton/rpc';
import { type AuditEntry, recordAudit } from '../audit/audit-store.ts';
import { readProviderSpec } from '../connections/connection.ts';
import type { Deps } from '../deps.ts';
import type { FieldValues, ReferenceUse } from '../references/reference.ts';
import { resolveReferences } from '../references/resolve-references.ts';
import { type Answer, decideConnection, sources } from '../resolution/decide-connection.ts';
import type { ResolvedConnection } from '../resolution/resolution-store.ts';

interface Issue {
  readonly deps: Deps;
  readonly request: IssueCredentialsRequest;
  readonly context: HandlerContext;
  readonly caller: OrganizationCaller;
  /** The connection once it is known, for the audit record. */
  answer: Answer | undefined;
}

/**
 * Resolves, authorises and issues anew on every call: one statement, one call to config-manager, one audit record. The record is
 * durable before the answer leaves; refusals and failures are recorded too.
 */
export function issueCredentials(deps: Deps) {
  return async (
    request: IssueCredentialsRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof IssueCredentialsResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const issue: Issue = { deps, request, context, caller, answer: undefined };
    try {
      const { connection, source, credentials } = await issueFor(issue);
      await record(issue, { outcome: 'succeeded' });
      return {
        connection: connection.slug,
        connectionUid: connection.uid,
        revision: connection.revision,
        source: sources[source],
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

function isRefusal(kind: string | undefined, reason: string | undefined): boolean {
  return kind === 'denied' || reason === 'CONNECTION_NOT_AUTHORIZED';
}

async function issueFor(issue: Issue) {
  const { deps, request, context } = issue;
  const scope = await deps.scopeOf(context, request.environment, { write: true });
  const answer = await decideConnection(deps, scope, request, true);
  issue.answer = answer;
  const { connection, source } = answer;
  const { provider, spec } = readProviderSpec(connection);
  const uses = provider.planCredentials(spec, {
    connection: connection.slug,
    sessionPolicy: request.sessionPolicy,
    hasDuration: request.duration !== undefined,
  });
  const resolved = await readValues(issue, connection, uses);
  return { connection, source, credentials: provider.issueCredentials(spec, resolved) };
}

/** In the name of the actor and for this connection only. */
function readValues(
  { deps, request, context, caller }: Issue,
  connection: ResolvedConnection,
  uses: readonly ReferenceUse[],
): Promise<FieldValues> {
  return resolveReferences(connection.slug, uses, (references) =>
    deps.configManager.resolveReferences(
      {
        org: caller.membership.organization.slug,
        references,
        ownerUid: connection.uid,
        purpose: request.purpose === '' ? `credentials of ${connection.slug}` : request.purpose,
      },
      { contextValues: asActor(context) },
    ),
  );
}

function record({ deps, request, caller, answer }: Issue, end: Pick<AuditEntry, 'outcome' | 'details'>) {
  const { organization } = caller.membership;
  const connection = answer?.connection;
  return recordAudit(
    deps.database.query,
    deps.newUid(),
    { organizationUid: organization.uid, caller },
    {
      action: 'credentials.issue',
      resource: {
        kind: connection?.kind ?? '',
        uid: connection?.uid ?? '',
        slug: connection?.slug ?? request.connection,
      },
      environment: request.environment,
      version: connection?.revision ?? 0,
      purpose: request.purpose,
      outcome: end.outcome ?? 'failed',
      details: { ...end.details, ...(answer && { source: answer.source }) },
    },
  );
}
