import { jsonb } from '@planton/database';
import { type Kysely, type Selectable, sql } from 'kysely';
import type { EnvironmentName } from '../connections/connection.ts';
import type { ConnectTables, OrganizationPolicyTable } from '../schema.ts';
import { noDemands, type Policy } from './policy.ts';

export type PolicyRow = Selectable<OrganizationPolicyTable>;

export function findPolicy(
  db: Kysely<ConnectTables>,
  organizationUid: string,
): Promise<PolicyRow | undefined> {
  return db
    .selectFrom('organization_policy')
    .selectAll()
    .where('organization_uid', '=', organizationUid)
    .executeTakeFirst();
}

/** What is demanded of a use, by the columns of a row; nothing without a row. */
export function policyOf(
  row: Pick<PolicyRow, 'max_session_seconds' | 'allowed_regions' | 'inline_keys_forbidden_in'> | undefined,
): Policy {
  if (!row) return noDemands;
  return {
    maxSessionSeconds: row.max_session_seconds ?? undefined,
    allowedRegions: row.allowed_regions,
    inlineKeysForbiddenIn: row.inline_keys_forbidden_in,
  };
}

/** Replaces the policy. */
export async function writePolicy(
  tx: Kysely<ConnectTables>,
  policy: {
    readonly organizationUid: string;
    readonly requireAuthorization: boolean;
    readonly maxSessionSeconds: number | null;
    readonly allowedRegions: readonly string[];
    readonly inlineKeysForbiddenIn: readonly EnvironmentName[];
    readonly by: string;
  },
): Promise<PolicyRow> {
  const columns = {
    require_authorization: policy.requireAuthorization,
    max_session_seconds: policy.maxSessionSeconds,
    allowed_regions: jsonb(policy.allowedRegions),
    inline_keys_forbidden_in: jsonb(policy.inlineKeysForbiddenIn),
    update_time: sql<Date>`now()`,
    updated_by: policy.by,
  };
  return tx
    .insertInto('organization_policy')
    .values({ organization_uid: policy.organizationUid, ...columns })
    .onConflict((conflict) => conflict.column('organization_uid').doUpdateSet(columns))
    .returningAll()
    .executeTakeFirstOrThrow();
}
