import type { Authorization, Candidate, DefaultRecord, Snapshot } from '@planton/connection-resolver';
import { type Database, prepareStatement } from '@planton/database';
import type { CompiledQuery } from 'kysely';
import { ambiguousName, type EnvironmentName } from '../connections/connection.ts';
import type { Policy } from '../policies/policy.ts';
import { policyOf } from '../policies/policy-store.ts';
import type { ConnectTables } from '../schema.ts';

/** A connection as resolution and the issue of credentials need it. */
export interface ResolvedConnection {
  readonly uid: string;
  readonly slug: string;
  readonly name: string;
  readonly provider: string;
  readonly kind: string;
  readonly revision: number;
  /** `null` unless it was asked for. */
  readonly spec: unknown;
  /** What the organisation demands of its use, of the same moment. */
  readonly policy: Policy;
}

export interface SnapshotRequest {
  readonly organizationUid: string;
  /** Empty where none is asked for. */
  readonly provider: string;
  /** Empty for the organisation level. */
  readonly environmentUid: string;
  /** Undefined where the default is asked for. */
  readonly connection: string | undefined;
  readonly withSpec: boolean;
}

export interface ResolutionSnapshot {
  readonly snapshot: Snapshot<ResolvedConnection>;
  /** The provider asked for, else the only one that has connections. Undefined where there are several or none. */
  readonly provider: string | undefined;
}

interface Row {
  readonly asked: string | null;
  readonly level: 'explicit' | 'environment' | 'organization' | null;
  readonly recorded_uid: string | null;
  readonly uid: string | null;
  readonly slug: string;
  readonly name: string;
  readonly provider: string;
  readonly kind: string;
  readonly revision: number;
  readonly spec: unknown;
  readonly scope: 'organization' | 'environment' | null;
  readonly environments: readonly EnvironmentName[] | null;
  /** Of the organisation; `null` where it has set none. */
  readonly require_authorization: boolean | null;
  readonly max_session_seconds: number | null;
  readonly allowed_regions: readonly string[];
  readonly inline_keys_forbidden_in: readonly EnvironmentName[];
}

const AMBIGUITY_LIMIT = 10;

/**
 * Everything that decides a resolution, in one statement, so that no decision mixes two moments. The text is made once for a schema
 * and not built for each request: this is the hottest statement of the service.
 *
 * Throws `AMBIGUOUS_NAME` where several connections have the name and none has it as its slug.
 */
export async function readSnapshot(
  database: Database<ConnectTables>,
  { organizationUid, provider, environmentUid, connection, withSpec }: SnapshotRequest,
): Promise<ResolutionSnapshot> {
  const shape = { named: connection !== undefined, provided: provider !== '', withSpec };
  const { rows } = await database.query.executeQuery(
    statementOf(
      database.schema,
      shape,
    )([
      organizationUid,
      environmentUid,
      ...(shape.provided ? [provider] : []),
      ...(shape.named ? [connection] : []),
    ]),
  );
  const explicit = rows.filter(({ level }) => level === 'explicit');
  const named = explicit.find(({ slug }) => slug === connection) ?? explicit[0];
  if (explicit.length > 1 && named && named.slug !== connection) {
    throw ambiguousName(
      named.name,
      explicit.map(({ slug }) => slug),
    );
  }
  return {
    provider: provider || (rows[0]?.asked ?? undefined),
    snapshot: {
      explicit: named ? candidateOf(named) : null,
      environmentDefault: defaultOf(rows, 'environment'),
      organizationDefault: defaultOf(rows, 'organization'),
      requireAuthorization: rows[0]?.require_authorization === true,
    },
  };
}

function defaultOf(rows: readonly Row[], level: Row['level']): DefaultRecord<ResolvedConnection> | null {
  const row = rows.find((each) => each.level === level);
  if (!row?.recorded_uid) return null;
  return { connectionUid: row.recorded_uid, target: candidateOf(row) };
}

function candidateOf(row: Row): Candidate<ResolvedConnection> | null {
  if (row.uid === null) return null;
  const { uid, slug, name, provider, kind, revision, spec } = row;
  const policy = policyOf(row.require_authorization === null ? undefined : row);
  return {
    connection: { uid, slug, name, provider, kind, revision, spec, policy },
    authorization: authorizationOf(row),
  };
}

function authorizationOf({ scope, environments }: Row): Authorization | null {
  if (scope === null) return null;
  return scope === 'organization' ? { scope } : { scope, environments: environments ?? [] };
}

/** Only what a request asks for is in its statement: planning costs the database more than running it. */
interface Shape {
  readonly named: boolean;
  readonly provided: boolean;
  readonly withSpec: boolean;
}

type Statement = (parameters: readonly unknown[]) => CompiledQuery<Row>;

const statements = new Map<string, Statement>();

function statementOf(schema: string, shape: Shape): Statement {
  const key = `${schema} ${shape.named} ${shape.provided} ${shape.withSpec}`;
  let statement = statements.get(key);
  if (statement === undefined) {
    statement = prepareStatement<Row>(makeStatement(schema, shape));
    statements.set(key, statement);
  }
  return statement;
}

/**
 * Parameters are the organisation, the environment, and then the provider, where one is asked for, and the connection. The schema is one
 * that `openDatabase` has checked: a plain identifier.
 */
function makeStatement(schema: string, { named, provided, withSpec }: Shape): string {
  const connection = provided ? '$4' : '$3';
  const matches = `
    select uid, slug, provider from "${schema}".connection
    where organization_uid = $1 and (slug = ${connection} or name = ${connection})
    order by (slug = ${connection}) desc, slug limit ${AMBIGUITY_LIMIT + 1}`;
  const sole = `
    select min(provider) from "${schema}".connection
    where organization_uid = $1 having min(provider) = max(provider)`;
  const asked = provided ? '$3::text' : named ? '(select provider from named limit 1)' : `(${sole})`;
  const defaults = `
    select case d.environment_uid when '' then 'organization' else 'environment' end as level,
      d.connection_uid as recorded_uid
    from "${schema}".default_connection d
    where d.organization_uid = $1 and d.provider = ${asked} and d.environment_uid in ('', $2)`;
  const held = named
    ? `select 'explicit' as level, uid as recorded_uid from named union all ${defaults}`
    : defaults;
  // Asked for without provider and connection, the sole provider is told even where no default is held.
  const source =
    provided || named
      ? `(${held}) held`
      : `(select (${sole}) as provider) sole left join (${held}) held on true`;
  return `
    ${named ? `with named as (${matches})` : ''}
    select ${provided || named ? 'null' : 'sole.provider'} as asked, held.level, held.recorded_uid,
      c.uid, c.slug, c.name, c.provider, c.kind, c.revision, ${withSpec ? 'c.spec' : 'null as spec'}, z.scope,
      case z.scope when 'environment' then (
        select json_agg(json_build_object('uid', e.environment_uid, 'slug', e.environment_slug) order by e.environment_slug)
        from "${schema}".authorization_environment e where e.connection_uid = c.uid) end as environments,
      p.require_authorization, p.max_session_seconds, p.allowed_regions, p.inline_keys_forbidden_in
    from ${source}
      left join "${schema}".connection c on c.uid = held.recorded_uid
      left join "${schema}".connection_authorization z on z.connection_uid = c.uid
      left join "${schema}".organization_policy p on p.organization_uid = $1`;
}
