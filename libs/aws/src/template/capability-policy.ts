import type { PartitionId } from '../partitions/partition.ts';
import type { AwsCapability } from './capability.ts';
import { PERMISSIONS } from './permissions/permissions.ts';
import type { PolicyDocument } from './policy-document.ts';
import { substitute } from './resolve-pseudo-parameters.ts';

/** The policy of a capability for whoever makes the role without the template. */
export function capabilityPolicy(
  name: AwsCapability,
  account: { readonly partition: PartitionId; readonly accountId: string },
): PolicyDocument {
  return substitute(PERMISSIONS[name], account);
}
