import type { Connection, Decision, Level, LevelOutcome, LevelStep } from './decision.ts';
import { explainAuthorization } from './explain-authorization.ts';
import type { Finding, Held, Holding, Inquiry } from './finding.ts';
import { quoteText } from './quote-text.ts';

/** Every level and the authorization, each as one step with a sentence that says why it ended so. */
export function explainDecision<C extends Connection>(inquiry: Inquiry<C>, finding: Finding<C>): Decision {
  const [explicit, environment, organization] = inquiry.holdings;
  return [
    explainLevel(inquiry, finding, explicit),
    explainLevel(inquiry, finding, environment),
    explainLevel(inquiry, finding, organization),
    explainAuthorization(inquiry.request, finding),
  ];
}

function explainLevel<C extends Connection>(
  inquiry: Inquiry<C>,
  finding: Finding<C>,
  holding: Holding<C>,
): LevelStep {
  const { level, held } = holding;
  const outcome = outcomeOf(finding, holding);
  return {
    level,
    outcome,
    connection: held && { uid: held.connectionUid, slug: held.candidate?.connection.slug ?? null },
    shadows: finding.level === level ? levelsShadowedBy(inquiry, level) : [],
    reason:
      level === 'explicit'
        ? explicitReason(inquiry, finding)
        : defaultReason(inquiry, finding, holding, outcome),
  };
}

function outcomeOf<C extends Connection>(
  finding: Finding<C>,
  { level, requested, held }: Holding<C>,
): LevelOutcome {
  if (finding.level === level) return finding.outcome;
  if (!requested) return 'not_requested';
  return held === null ? 'empty' : 'shadowed';
}

/** Nothing stronger than the deciding level holds anything, so every other level that does is weaker. */
function levelsShadowedBy<C extends Connection>({ holdings }: Inquiry<C>, deciding: Level): Level[] {
  return holdings.filter(({ level, held }) => held !== null && level !== deciding).map(({ level }) => level);
}

function explicitReason<C extends Connection>(
  { request, provider }: Inquiry<C>,
  finding: Finding<C>,
): string {
  if (request.connection === undefined) return 'No connection was named.';
  const named = `Connection ${quoteText(request.connection)} was named`;
  if (finding.outcome === 'not_found')
    return `${named} and does not exist; no default is tried in its place.`;
  if (finding.outcome !== 'rejected') return `${named}, so no default is considered.`;
  const actual = quoteText(finding.connection.provider);
  return `${named}, but its provider is ${actual}, not ${quoteText(provider ?? '')}; no default is tried in its place.`;
}

function defaultReason<C extends Connection>(
  { request, provider }: Inquiry<C>,
  finding: Finding<C>,
  { level, held }: Holding<C>,
  outcome: LevelOutcome,
): string {
  if (provider === undefined) return 'No provider is known, so there is no default to look up.';
  if (level === 'environment' && request.environment === undefined) return 'No environment was given.';

  const place = level === 'environment' ? request.environment?.slug : request.organization;
  const owner = `${level} ${quoteText(place ?? '')}`;
  if (held === null) return `No default for provider ${quoteText(provider)} is set for ${owner}.`;

  const sentence = `The default for provider ${quoteText(provider)} of ${owner} ${contentOf(held, provider)}`;
  if (outcome === 'selected') return `${sentence}.`;
  if (outcome !== 'shadowed') return `${sentence}; no other default is tried in its place.`;
  return finding.level === 'explicit'
    ? `${sentence}; not considered, because a connection was named.`
    : `${sentence}; not considered, because the environment has its own default.`;
}

function contentOf<C extends Connection>({ candidate, connectionUid }: Held<C>, provider: string): string {
  if (candidate === null) return `points at connection ${quoteText(connectionUid)}, which no longer exists`;
  const { slug, provider: actual } = candidate.connection;
  return actual === provider
    ? `is connection ${quoteText(slug)}`
    : `is connection ${quoteText(slug)}, whose provider is ${quoteText(actual)}`;
}
