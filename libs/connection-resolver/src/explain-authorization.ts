import type { AuthorizationVerdict } from './authorize-connection.ts';
import type { AuthorizationStep, Connection, Environment, ResolveRequest } from './decision.ts';
import type { Finding } from './finding.ts';
import { quoteText } from './quote-text.ts';

const LISTED_IN_A_SENTENCE = 5;

/** The last step of a decision: which record of the winner decided, and why it allowed or refused. */
export function explainAuthorization<C extends Connection>(
  request: ResolveRequest,
  finding: Finding<C>,
): AuthorizationStep {
  if (finding.outcome !== 'selected') {
    return {
      level: 'authorization',
      outcome: 'not_checked',
      record: null,
      environments: [],
      cause: null,
      reason: 'No connection was selected, so there is nothing to authorize.',
    };
  }
  const { authorization, connection } = finding;
  const clause = authorizationClause(request, connection, authorization);
  return {
    level: 'authorization',
    ...authorization,
    reason: `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`,
  };
}

/** The verdict in words, without capital and full stop, so that it serves an error and a sentence. */
export function authorizationClause(
  request: ResolveRequest,
  connection: Connection,
  { cause, environments }: AuthorizationVerdict,
): string {
  const subject = `connection ${quoteText(connection.slug)}`;
  const environment = quoteText(request.environment?.slug ?? '');
  switch (cause) {
    case 'NO_RECORD':
      return `${subject} has no authorization record, so it may be used in every environment`;
    case 'ORGANIZATION_WIDE':
      return `${subject} is authorized for the whole organization`;
    case 'ENVIRONMENT_LISTED':
      return `${subject} is authorized for environment ${environment}`;
    case 'ENVIRONMENT_NOT_LISTED':
      if (environments.length === 0) return `${subject} is authorized for no environment`;
      return isRemade(request.environment, environments)
        ? `${subject} is not authorized for environment ${environment}: its record is for an earlier environment of that name`
        : `${subject} is not authorized for environment ${environment}, only for ${listEnvironments(environments)}`;
    case 'ENVIRONMENT_NOT_GIVEN':
      return environments.length === 0
        ? `no environment was given, and ${subject} is authorized for none`
        : `no environment was given, and ${subject} is authorized only for ${listEnvironments(environments)}`;
    case 'RECORD_REQUIRED':
      return `organization ${quoteText(request.organization)} requires an authorization record, and ${subject} has none`;
  }
}

/** Slugs are unique among living environments, so a listed namesake that was not matched by uid is an earlier one. */
function isRemade(environment: Environment | undefined, listed: readonly Environment[]): boolean {
  return listed.some(({ slug }) => slug === environment?.slug);
}

function listEnvironments(environments: readonly Environment[]): string {
  const shown = environments.slice(0, LISTED_IN_A_SENTENCE).map(({ slug }) => quoteText(slug));
  const hidden = environments.length - shown.length;
  return `${shown.join(', ')}${hidden === 0 ? '' : ` and ${hidden} more`}`;
}
