import { type OrganizationCaller, quota } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Grant } from '../members/member-store.ts';
import type { IdentityTables } from '../schema.ts';
import { countServiceAccounts, insertServiceAccount } from './service-account-store.ts';

const SERVICE_ACCOUNTS_AT_MOST = 1000;

/**
 * Creates a service account whose grant was authorised and whose slug is free, under the organisation's lock.
 *
 * Throws `SERVICE_ACCOUNT_LIMIT`.
 */
export async function addServiceAccount(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  account: { readonly uid: string; readonly slug: string },
  grant: Grant,
): Promise<void> {
  const { organization } = caller.membership;
  if ((await countServiceAccounts(tx, organization.uid)) >= SERVICE_ACCOUNTS_AT_MOST) {
    throw quota(
      'SERVICE_ACCOUNT_LIMIT',
      `organisation "${organization.slug}" has ${SERVICE_ACCOUNTS_AT_MOST} service accounts, which is the limit`,
      {
        hint: 'planton service-account delete SLUG',
        metadata: { limit: String(SERVICE_ACCOUNTS_AT_MOST) },
      },
    );
  }
  await insertServiceAccount(tx, { ...account, organizationUid: organization.uid }, grant);
  await recordAudit(tx, organization.uid, caller, {
    action: 'service_account.create',
    resource: { kind: 'service_account', uid: account.uid, slug: account.slug },
    details: { role: grant.role },
  });
}
