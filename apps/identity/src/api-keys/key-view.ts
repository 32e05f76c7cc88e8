import { Permission } from '@planton/api/common/v1/access';
import { hasPermission, type OrganizationCaller } from '@planton/rpc';
import type { KeyView } from './api-key-store.ts';

/** The caller's own keys and, for whoever manages service accounts, theirs. Everything else does not exist for the caller. */
export function keyViewOf({ subject, membership }: OrganizationCaller): KeyView {
  return {
    organizationUid: membership.organization.uid,
    subjectUid: subject.uid,
    serviceAccounts: hasPermission(membership, Permission.SERVICE_ACCOUNT_MANAGE),
  };
}
