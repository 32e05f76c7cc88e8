import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAuditIn } from '../audit/audit-store.ts';
import { listOrganizationsOf } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';

/** Puts on record that somebody was disabled or enabled: in the trail of the instance, and in that of each organisation that it concerns. */
export async function recordStanding(
  tx: Kysely<IdentityTables>,
  caller: Caller,
  action: 'account.disable' | 'account.enable',
  { uid, name }: { readonly uid: string; readonly name: string },
): Promise<void> {
  const organizations = await listOrganizationsOf(tx, uid);
  await recordAuditIn(tx, ['', ...organizations.map((each) => each.uid)], caller, {
    action,
    resource: { kind: 'user', uid, slug: name },
  });
}
