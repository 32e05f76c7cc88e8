import type { Message, MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  IssueCredentialsRequest,
  IssueCredentialsResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { asActor, type OrganizationCaller, organizationCallerOf, state, toDomainError } from '@planton/rpc';
import { type AuditEntry, recordAudit } from '../audit/audit-store.ts';
import { readSpec } from '../connections/connection.ts';
import type { Deps } from '../deps.ts';
import type { Provider } from '../providers/provider.ts';
import { findProvider } from '../providers/registry.ts';
import {
  type FieldValues,
  type ReferenceUse,
  referenceKey,
  referenceMessage,
  uniqueReferences,
} from '../references/reference.ts';
import { locate } from '../references/register-references.ts';
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
  const { provider, spec } = readConnection(connection);
  const uses = provider.planCredentials(spec, {
    connection: connection.slug,
    sessionPolicy: request.sessionPolicy,
    hasDuration: request.duration !== undefined,
  });
  const resolved = await resolveReferences(issue, connection, uses);
  return { connection, source, credentials: provider.issueCredentials(spec, resolved) };
}

function readConnection(connection: ResolvedConnection): { provider: Provider; spec: Message } {
  const provider = findProvider(connection.provider);
  const spec = provider && readSpec(provider, connection.spec);
  if (spec) return { provider, spec };
  throw state(
    'CONNECTION_UNREADABLE',
    `connection "${connection.slug}" was stored by a release that this one cannot read`,
    { hint: 'start a newer release of the server, or apply the connection again' },
  );
}

/** The values of all references in one call, in the name of the actor and for this connection only. */
async function resolveReferences(
  { deps, request, context, caller }: Issue,
  connection: ResolvedConnection,
  uses: readonly ReferenceUse[],
): Promise<FieldValues> {
  const asked = uniqueReferences(uses.map(({ reference }) => reference));
  if (asked.length === 0) return new Map();
  try {
    const { values } = await deps.configManager.resolveReferences(
      {
        org: caller.membership.organization.slug,
        references: asked.map(referenceMessage),
        ownerUid: connection.uid,
        purpose: request.purpose === '' ? `credentials of ${connection.slug}` : request.purpose,
      },
      { contextValues: asActor(context) },
    );
    const found = new Map(asked.map((reference, index) => [referenceKey(reference), values[index]?.value]));
    return new Map(
      uses.flatMap(({ field, reference }): [string, string][] => {
        const value = found.get(referenceKey(reference));
        return value === undefined ? [] : [[field, value]];
      }),
    );
  } catch (thrown) {
    const error = toDomainError(thrown);
    if (error?.kind !== 'missing') throw thrown;
    const violations = locate(error, asked, uses);
    throw state(
      'CREDENTIALS_MISSING',
      `connection "${connection.slug}": ${violations.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
      { hint: error.hint, violations, cause: error },
    );
  }
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
