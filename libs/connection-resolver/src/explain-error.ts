import type { Connection, Level, ResolutionError, ResolveRequest } from './decision.ts';
import { authorizationClause } from './explain-authorization.ts';
import type { Finding, Inquiry } from './finding.ts';
import { quoteText } from './quote-text.ts';
import { suggestAuthorize, suggestList, suggestResolve, suggestSetDefault } from './suggest-command.ts';

/** The error for a finding that gives no usable connection: what is wrong, and the next command to type. */
export function explainError<C extends Connection>(
  inquiry: Inquiry<C>,
  finding: Finding<C>,
): ResolutionError {
  return { ...describeError(inquiry, finding), metadata: collectMetadata(inquiry, finding) };
}

function describeError<C extends Connection>(
  { request, provider }: Inquiry<C>,
  finding: Finding<C>,
): Omit<ResolutionError, 'metadata'> {
  switch (finding.outcome) {
    case 'not_found':
      return {
        kind: 'missing',
        reason: 'CONNECTION_NOT_FOUND',
        message: `organization ${quoteText(request.organization)} has no connection ${quoteText(request.connection ?? '')}`,
        hint: suggestList(),
      };
    case 'undecided':
      return provider === undefined ? describeNoProvider(request) : describeNoDefault(request, provider);
    case 'dangling': {
      const uid = quoteText(finding.connectionUid);
      return {
        kind: 'state',
        reason: 'DEFAULT_DANGLING',
        message: `${defaultOf(request, provider, finding.level)} points at connection ${uid}, which no longer exists`,
        hint: suggestSetDefault(request, provider, finding.level),
      };
    }
    case 'rejected':
      return describeWrongProvider(request, provider, finding.level, finding.connection);
    case 'selected':
      return {
        kind: 'state',
        reason: 'CONNECTION_NOT_AUTHORIZED',
        message: authorizationClause(request, finding.connection, finding.authorization),
        hint: suggestAuthorize(request, finding.level, finding.connection, finding.authorization),
      };
  }
}

function describeNoProvider(request: ResolveRequest): Omit<ResolutionError, 'metadata'> {
  return {
    kind: 'invalid',
    reason: 'PROVIDER_REQUIRED',
    message: 'name a provider or a connection: without either there is nothing to look up',
    hint: suggestResolve(request),
  };
}

function describeNoDefault(request: ResolveRequest, provider: string): Omit<ResolutionError, 'metadata'> {
  const organization = `organization ${quoteText(request.organization)}`;
  const owner = request.environment
    ? `neither environment ${quoteText(request.environment.slug)} nor ${organization} has a`
    : `${organization} has no`;
  return {
    kind: 'missing',
    reason: 'DEFAULT_NOT_SET',
    message: `${owner} default connection for provider ${quoteText(provider)}`,
    hint: suggestSetDefault(request, provider, 'organization'),
  };
}

function describeWrongProvider(
  request: ResolveRequest,
  provider: string | undefined,
  level: Level,
  connection: Connection,
): Omit<ResolutionError, 'metadata'> {
  const fact = `connection ${quoteText(connection.slug)}, whose provider is ${quoteText(connection.provider)}`;
  if (level === 'explicit') {
    return {
      kind: 'invalid',
      reason: 'CONNECTION_PROVIDER_MISMATCH',
      message: `provider ${quoteText(provider ?? '')} was asked for together with ${fact}`,
      hint: suggestResolve(request, connection.provider, connection),
    };
  }
  return {
    kind: 'state',
    reason: 'DEFAULT_PROVIDER_MISMATCH',
    message: `${defaultOf(request, provider, level)} is ${fact}`,
    hint: suggestSetDefault(request, provider, level),
  };
}

function defaultOf(request: ResolveRequest, provider: string | undefined, level: Level): string {
  const owner = level === 'environment' ? request.environment?.slug : request.organization;
  return `the default for provider ${quoteText(provider ?? '')} of ${level} ${quoteText(owner ?? '')}`;
}

function collectMetadata<C extends Connection>(
  { request, provider }: Inquiry<C>,
  finding: Finding<C>,
): Record<string, string> {
  const facts = {
    organization: request.organization,
    provider,
    environment: request.environment?.slug,
    level: finding.level ?? undefined,
    ...connectionFacts(request, finding),
    cause: finding.outcome === 'selected' ? finding.authorization.cause : undefined,
  };
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

function connectionFacts<C extends Connection>(request: ResolveRequest, finding: Finding<C>) {
  switch (finding.outcome) {
    case 'selected':
    case 'rejected':
      return { connection: finding.connection.slug, connection_uid: finding.connection.uid };
    case 'dangling':
      return { connection_uid: finding.connectionUid };
    case 'not_found':
      return { connection: request.connection };
    case 'undecided':
      return {};
  }
}
