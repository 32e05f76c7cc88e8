import type { AuthorizationVerdict } from './authorize-connection.ts';
import type { Connection, Level, ResolveRequest } from './decision.ts';
import { commandWord } from './quote-text.ts';

/** Shows which connections there are to name. */
export function suggestList(): string {
  return 'planton connection list';
}

/** Asks again, for the given provider and, when given, connection. */
export function suggestResolve(request: ResolveRequest, provider?: string, connection?: Connection): string {
  return command('resolve', {
    provider: providerWord(provider),
    connection: connection && connectionWord(connection),
    env: request.environment && environmentWord(request.environment.slug),
  });
}

/** Sets the default of one level anew. */
export function suggestSetDefault(
  request: ResolveRequest,
  provider: string | undefined,
  level: Level,
): string {
  const environment = level === 'environment' ? request.environment : undefined;
  return command('default set', {
    provider: providerWord(provider),
    connection: 'NAME',
    env: environment && environmentWord(environment.slug),
  });
}

/**
 * Gets a refused connection past its authorization. Setting a record replaces it, so the environments it lists already are repeated;
 * a record that needs an environment named is left alone.
 */
export function suggestAuthorize(
  request: ResolveRequest,
  level: Level,
  connection: Connection,
  { cause, environments }: AuthorizationVerdict,
): string {
  const provider = providerWord(connection.provider);
  const listed = environments.map(({ slug }) => environmentWord(slug));
  if (cause === 'ENVIRONMENT_NOT_GIVEN' && listed.length > 0) {
    return command('resolve', {
      provider,
      connection: level === 'explicit' ? connectionWord(connection) : undefined,
      env: listed.length === 1 ? listed[0] : 'ENVIRONMENT',
    });
  }
  const wanted = wantedEnvironment(request, cause);
  return command('authorization set', {
    provider,
    connection: connectionWord(connection),
    scope: wanted === undefined ? 'organization' : 'environment',
    environments: wanted && [...new Set([...listed, wanted])].join(','),
  });
}

/** Undefined when only a record for the whole organization would help; an empty list is never opened that wide. */
function wantedEnvironment(
  request: ResolveRequest,
  cause: AuthorizationVerdict['cause'],
): string | undefined {
  if (request.environment !== undefined) return environmentWord(request.environment.slug);
  return cause === 'ENVIRONMENT_NOT_GIVEN' ? 'ENVIRONMENT' : undefined;
}

function command(verb: string, flags: Readonly<Record<string, string | undefined>>): string {
  const words = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return ['planton connection', verb, ...words].join(' ');
}

function providerWord(provider: string | undefined): string {
  return commandWord(provider ?? '', 'PROVIDER');
}

function connectionWord({ slug }: Connection): string {
  return commandWord(slug, 'NAME');
}

function environmentWord(slug: string): string {
  return commandWord(slug, 'ENVIRONMENT');
}
