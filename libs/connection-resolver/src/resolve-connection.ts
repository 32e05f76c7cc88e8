import { authorizeConnection } from './authorize-connection.ts';
import type { Connection, DefaultRecord, Level, Resolution, ResolveRequest, Snapshot } from './decision.ts';
import { explainDecision } from './explain-decision.ts';
import { explainError } from './explain-error.ts';
import type { Finding, Holding, Inquiry } from './finding.ts';

/**
 * Finds the connection a request means: the explicit one, else the environment's default, else the organization's, else
 * an error.
 *
 * The strongest level that says anything decides alone. If its connection is gone, of another provider or not authorized, that is
 * the answer: no weaker level is ever tried in its place. Authorization is checked on the winner only.
 *
 * Pure and total: the same arguments give the same result, and it never throws. Errors are values, see `ResolutionReason`.
 */
export function resolveConnection<C extends Connection>(
  request: ResolveRequest,
  snapshot: Snapshot<C>,
): Resolution<C> {
  const inquiry = readLevels(request, snapshot);
  const finding = findWinner(inquiry, snapshot.requireAuthorization);
  const decision = explainDecision(inquiry, finding);

  if (finding.outcome === 'selected' && finding.authorization.outcome === 'allowed') {
    return { ok: true, connection: finding.connection, source: finding.level, decision };
  }
  return { ok: false, error: explainError(inquiry, finding), decision };
}

function readLevels<C extends Connection>(request: ResolveRequest, snapshot: Snapshot<C>): Inquiry<C> {
  const isNamed = request.connection !== undefined;
  const explicit = isNamed ? snapshot.explicit : null;
  const provider = request.provider ?? explicit?.connection.provider;
  const hasProvider = provider !== undefined;
  return {
    request,
    provider,
    holdings: [
      {
        level: 'explicit',
        requested: isNamed,
        held: explicit && { connectionUid: explicit.connection.uid, candidate: explicit },
      },
      readDefault(
        'environment',
        hasProvider && request.environment !== undefined,
        snapshot.environmentDefault,
      ),
      readDefault('organization', hasProvider, snapshot.organizationDefault),
    ],
  };
}

function readDefault<C extends Connection>(
  level: Level,
  requested: boolean,
  record: DefaultRecord<C> | null,
): Holding<C> {
  if (!requested || record === null) return { level, requested, held: null };
  const { connectionUid, target } = record;
  // A target other than the one recorded is not what was set as the default, so it counts as gone.
  const isIntact = target?.connection.uid === connectionUid;
  return { level, requested, held: { connectionUid, candidate: isIntact ? target : null } };
}

function findWinner<C extends Connection>(
  { request, provider, holdings }: Inquiry<C>,
  requireAuthorization: boolean,
): Finding<C> {
  for (const { level, requested, held } of holdings) {
    if (level === 'explicit' && requested && held === null) return { level, outcome: 'not_found' };
    if (held === null) continue;

    const { candidate, connectionUid } = held;
    if (candidate === null) return { level, outcome: 'dangling', connectionUid };

    const { connection } = candidate;
    if (connection.provider !== provider) return { level, outcome: 'rejected', connection };

    const authorization = authorizeConnection(
      candidate.authorization,
      request.environment,
      requireAuthorization,
    );
    return { level, outcome: 'selected', connection, authorization };
  }
  return { level: null, outcome: 'undecided' };
}
