/** An environment as the store knows it. Only `uid` identifies it; `slug` is for people and can be reused. */
export interface Environment {
  readonly uid: string;
  readonly slug: string;
}

/** What resolution needs to know of a connection. A caller's richer type comes back unchanged in the result. */
export interface Connection {
  readonly uid: string;
  readonly slug: string;
  readonly name: string;
  /** Such as `aws`. Compared exactly; resolution knows no list of providers. */
  readonly provider: string;
  readonly kind: string;
}

/**
 * Where a connection may be used. `organization` is everywhere, also without an environment; `environment` is exactly
 * the listed environments, so an empty list is nowhere.
 */
export type Authorization =
  | { readonly scope: 'organization' }
  | { readonly scope: 'environment'; readonly environments: readonly Environment[] };

export interface ResolveRequest {
  /** Slug of the organization, for messages. */
  readonly organization: string;
  /** May be left out only when `connection` is given. */
  readonly provider?: string | undefined;
  /** Already looked up, so that an environment that does not exist is the caller's error. */
  readonly environment?: Environment | undefined;
  /**
   * Slug or name as it was typed. Only `undefined` means "use the default": an empty string is a connection that does not
   * exist, because `--connection "$UNSET"` must not quietly become the default.
   */
  readonly connection?: string | undefined;
}

/** A connection with the one authorization record it can have. */
export interface Candidate<C extends Connection = Connection> {
  readonly connection: C;
  /** `null` when no record exists. */
  readonly authorization: Authorization | null;
}

/** A default as stored. `target` is `null` when the connection it points at is gone. */
export interface DefaultRecord<C extends Connection = Connection> {
  readonly connectionUid: string;
  readonly target: Candidate<C> | null;
}

/**
 * Everything that decides, read in one statement, so that no decision mixes two moments.
 *
 * Defaults are those of `request.provider`, or, without one, of the explicit connection's provider. The store fills in the
 * levels that are shadowed too (they are explained, and never change the result).
 */
export interface Snapshot<C extends Connection = Connection> {
  /** What `request.connection` names, whatever its provider; `null` when there is no such connection. */
  readonly explicit: Candidate<C> | null;
  /** The default of `request.environment`, looked up by its uid. Ignored without an environment. */
  readonly environmentDefault: DefaultRecord<C> | null;
  readonly organizationDefault: DefaultRecord<C> | null;
  /** Organization policy: refuse a connection that has no authorization record. */
  readonly requireAuthorization: boolean;
}

/** The three places a connection can come from, strongest first. */
export const LEVELS = ['explicit', 'environment', 'organization'] as const;
export type Level = (typeof LEVELS)[number];

/**
 * - `selected`: this level decided, and its connection won. The authorization step says whether it may be used.
 * - `rejected`: this level decided, and its connection is of another provider.
 * - `dangling`: this level decided, and the connection it points at no longer exists.
 * - `not_found`: an explicit connection was named that does not exist.
 * - `shadowed`: it holds something, but a stronger level decided.
 * - `empty`: it holds nothing.
 * - `not_requested`: the request gives nothing to look up here (no connection, no environment, or no provider).
 */
export type LevelOutcome =
  | 'selected'
  | 'rejected'
  | 'dangling'
  | 'not_found'
  | 'shadowed'
  | 'empty'
  | 'not_requested';

export interface LevelStep {
  readonly level: Level;
  readonly outcome: LevelOutcome;
  /** What this level holds; `slug` is `null` when the connection is gone. `null` when it holds nothing. */
  readonly connection: { readonly uid: string; readonly slug: string | null } | null;
  /** Weaker levels that hold something this level overrules. Empty unless this level decided. */
  readonly shadows: readonly Level[];
  /** A sentence for people. */
  readonly reason: string;
}

/** Why the authorization check ended as it did; stable, also in the metadata of `CONNECTION_NOT_AUTHORIZED`. */
export type AuthorizationCause =
  | 'NO_RECORD'
  | 'ORGANIZATION_WIDE'
  | 'ENVIRONMENT_LISTED'
  | 'ENVIRONMENT_NOT_LISTED'
  | 'ENVIRONMENT_NOT_GIVEN'
  | 'RECORD_REQUIRED';

export interface AuthorizationStep {
  readonly level: 'authorization';
  /** `not_checked` when no connection won. */
  readonly outcome: 'allowed' | 'refused' | 'not_checked';
  /** Which record of the winner decided: none exists, one for the organization, one listing environments. */
  readonly record: 'none' | 'organization' | 'environment' | null;
  /** The environments of an `environment` record, else empty. */
  readonly environments: readonly Environment[];
  readonly cause: AuthorizationCause | null;
  /** A sentence for people. */
  readonly reason: string;
}

export type DecisionStep = LevelStep | AuthorizationStep;

/** The whole explanation: always each level once, strongest first, then authorization. */
export type Decision = readonly [
  explicit: LevelStep,
  environment: LevelStep,
  organization: LevelStep,
  authorization: AuthorizationStep,
];

/**
 * - `CONNECTION_NOT_FOUND` (missing): the explicit connection does not exist.
 * - `DEFAULT_NOT_SET` (missing): nothing was named and no default applies.
 * - `DEFAULT_DANGLING` (state): the deciding default points at a connection that is gone.
 * - `DEFAULT_PROVIDER_MISMATCH` (state): the deciding default points at a connection of another provider.
 * - `CONNECTION_NOT_AUTHORIZED` (state): the winner may not be used here.
 * - `CONNECTION_PROVIDER_MISMATCH` (invalid): the explicit connection is of another provider than asked.
 * - `PROVIDER_REQUIRED` (invalid): neither a provider nor a connection was named.
 */
export type ResolutionReason =
  | 'CONNECTION_NOT_FOUND'
  | 'DEFAULT_NOT_SET'
  | 'DEFAULT_DANGLING'
  | 'DEFAULT_PROVIDER_MISMATCH'
  | 'CONNECTION_NOT_AUTHORIZED'
  | 'CONNECTION_PROVIDER_MISMATCH'
  | 'PROVIDER_REQUIRED';

export interface ResolutionError {
  /** `missing`: nothing there. `state`: something there that must be put right first. `invalid`: the request is wrong. */
  readonly kind: 'missing' | 'state' | 'invalid';
  readonly reason: ResolutionReason;
  readonly message: string;
  /** The next command to type. */
  readonly hint: string;
  /**
   * Facts for programs: `organization`, and where known `provider`, `environment` and `connection` (slugs; the text as typed when
   * not found), `connection_uid`, `level` (which decided) and `cause` (an `AuthorizationCause`).
   */
  readonly metadata: Readonly<Record<string, string>>;
}

export type Resolution<C extends Connection = Connection> =
  | { readonly ok: true; readonly connection: C; readonly source: Level; readonly decision: Decision }
  | { readonly ok: false; readonly error: ResolutionError; readonly decision: Decision };
