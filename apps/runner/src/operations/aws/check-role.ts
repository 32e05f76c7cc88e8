import type { AwsRole } from '@planton/api/runner/v1/operation';
import { parseRoleArn, type RoleArn } from '@planton/aws';
import { OperationFailed } from '../operation-failed.ts';

/**
 * The role that an operation is about, with the parts of its ARN.
 *
 * @throws OperationFailed `INVALID` where there is none, its ARN is none, or it belongs to another account
 */
export function checkRole({
  role,
  accountId,
}: {
  readonly role?: AwsRole | undefined;
  readonly accountId: string;
}): { readonly role: AwsRole; readonly arn: RoleArn } {
  if (!role) throw new OperationFailed('INVALID', 'ROLE_MISSING', 'the operation names no role');
  const arn = parseRoleArn(role.roleArn);
  if (!arn.ok) throw new OperationFailed('INVALID', 'ROLE_ARN_INVALID', `role_arn ${arn.message}`);
  if (arn.value.accountId !== accountId)
    throw new OperationFailed(
      'INVALID',
      'ROLE_OF_ANOTHER_ACCOUNT',
      `the role belongs to account ${arn.value.accountId}, not to ${accountId}`,
    );
  return { role, arn: arn.value };
}
