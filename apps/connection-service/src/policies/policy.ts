import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { OrganizationPolicySchema } from '@planton/api/connect/v1/organization_policy';
import { type DomainError, type Scope, state } from '@planton/rpc';
import type { EnvironmentName } from '../connections/connection.ts';
import type { PolicyRow } from './policy-store.ts';

/** What an organisation demands of every use of a connection, beside an authorisation. */
export interface Policy {
  /** Undefined for what the provider allows. */
  readonly maxSessionSeconds: number | undefined;
  /** Empty for all. */
  readonly allowedRegions: readonly string[];
  readonly inlineKeysForbiddenIn: readonly EnvironmentName[];
}

/** The policy of an organisation that never set one. */
export const noDemands: Policy = {
  maxSessionSeconds: undefined,
  allowedRegions: [],
  inlineKeysForbiddenIn: [],
};

/** Seconds that a session lasts where nobody says how long. */
export const USUAL_SESSION_S = 3600;

const hint = 'planton org policy get shows what the organisation demands';

/** Throws `POLICY_INLINE_KEYS_FORBIDDEN`: for the environments listed, and without one, which would be the way around the list. */
export function checkInlineKeys(
  { inlineKeysForbiddenIn: listed }: Policy,
  { environment, organization }: Scope,
  connection: string,
): void {
  if (listed.length === 0 || (environment && !listed.some(({ uid }) => uid === environment.uid))) return;
  const where = environment ? `in environment "${environment.slug}"` : 'without an environment';
  throw state(
    'POLICY_INLINE_KEYS_FORBIDDEN',
    `connection "${connection}" hands out keys of its own, which the policy of "${organization.slug}" forbids ${where}`,
    { hint, metadata: { connection, environment: environment?.slug ?? '' } },
  );
}

/**
 * Seconds that a session shall last; undefined for what is usual.
 *
 * @param asked what the caller wants; undefined where nothing was said
 * @throws `POLICY_SESSION_TOO_LONG`
 */
export function limitSession(
  { maxSessionSeconds: limit }: Policy,
  asked: number | undefined,
  connection: string,
): number | undefined {
  if (limit === undefined) return asked;
  if (asked === undefined) return limit < USUAL_SESSION_S ? limit : undefined;
  if (asked <= limit) return asked;
  throw state(
    'POLICY_SESSION_TOO_LONG',
    `a session of ${asked} s was asked of connection "${connection}"; the policy of the organisation allows ${limit} s`,
    { hint, metadata: { connection, max_session_seconds: String(limit) } },
  );
}

/** Throws `POLICY_REGION_NOT_ALLOWED`. A region that is not known yet, empty, is allowed: it is looked at again at every use. */
export function checkRegion({ allowedRegions }: Policy, region: string, connection: string): void {
  if (region === '' || allowedRegions.length === 0 || allowedRegions.includes(region)) return;
  throw regionRefused(allowedRegions, region, connection);
}

function regionRefused(allowed: readonly string[], region: string, connection: string): DomainError {
  const listed = allowed.slice(0, 5).join(', ') + (allowed.length > 5 ? ', …' : '');
  return state(
    'POLICY_REGION_NOT_ALLOWED',
    `spec.region: connection "${connection}" is in ${JSON.stringify(region)}; the policy of the organisation allows ${listed}`,
    { hint, metadata: { connection, region } },
  );
}

/** What a policy demands, as a sentence for people; empty where it demands nothing. */
export function explainPolicy({ maxSessionSeconds, allowedRegions, inlineKeysForbiddenIn }: Policy): string {
  const demands = [
    ...(maxSessionSeconds === undefined ? [] : [`sessions last ${maxSessionSeconds} s at most`]),
    ...(allowedRegions.length === 0 ? [] : [`regions are ${allowedRegions.join(', ')}`]),
    ...(inlineKeysForbiddenIn.length === 0
      ? []
      : [`inline keys are refused in ${inlineKeysForbiddenIn.map(({ slug }) => slug).join(', ')}`]),
  ];
  return demands.length === 0 ? '' : `The organisation demands: ${demands.join('; ')}.`;
}

/** @param live uids of the environments that exist */
export function policyMessage(
  row: PolicyRow | undefined,
  live: ReadonlySet<string>,
): MessageInitShape<typeof OrganizationPolicySchema> {
  if (!row) return {};
  return {
    requireAuthorization: row.require_authorization,
    ...(row.max_session_seconds !== null && {
      maxSessionDuration: { seconds: BigInt(row.max_session_seconds) },
    }),
    allowedRegions: [...row.allowed_regions],
    inlineKeysForbiddenIn: row.inline_keys_forbidden_in
      .filter(({ uid }) => live.has(uid))
      .map(({ slug }) => slug),
    updateTime: timestampFromDate(row.update_time),
    updatedBy: row.updated_by,
  };
}
