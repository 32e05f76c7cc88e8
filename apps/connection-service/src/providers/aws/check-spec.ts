import type { ValueOrVariable } from '@planton/api/common/v1/reference';
import type { AwsProviderConnectionSpec } from '@planton/api/connect/v1/aws_provider_connection';
import { checkAccountId, checkRegion, findRegion, parseRoleArn } from '@planton/aws';
import type { Violation } from '@planton/rpc';
import type { FieldValues } from '../../references/reference.ts';

/** A scalar of the spec whose value is known: a literal, or a variable that was resolved. */
export interface Scalar {
  /** Path of the value, as errors name it. */
  readonly field: string;
  readonly value: string;
}

/** Undefined where the value is a variable that was not resolved. */
export function readScalar(
  field: string,
  given: ValueOrVariable | undefined,
  resolved: FieldValues,
): Scalar | undefined {
  if (given?.source.case === 'value') return { field: `${field}.value`, value: given.source.value };
  const value = resolved.get(field);
  return value === undefined ? undefined : { field: `${field}.variable`, value };
}

/** Account, region and role, each by itself and against the others. */
export function checkSpec(spec: AwsProviderConnectionSpec, resolved: FieldValues): readonly Violation[] {
  const account = readScalar('spec.account_id', spec.accountId, resolved);
  const region = readScalar('spec.region', spec.region, resolved);
  return [
    ...(account ? violationOf(account, spec.accountId, checkAccountId(account.value)) : []),
    ...(region ? violationOf(region, spec.region, checkRegion(region.value)) : []),
    ...(spec.iamRoleArn === '' ? [] : checkRole(spec.iamRoleArn, account?.value, region?.value)),
  ];
}

/** Neither accounts nor regions are secret, so what was given is shown. */
function violationOf(
  { field, value }: Scalar,
  given: ValueOrVariable | undefined,
  check: { readonly ok: true } | { readonly ok: false; readonly message: string },
): readonly Violation[] {
  if (check.ok) return [];
  const shown = JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  const subject =
    given?.source.case === 'variable' ? `variable "${given.source.value}" holds ${shown}` : shown;
  const joint = given?.source.case === 'variable' ? ', which ' : ' ';
  const phrase = /^[0-9]/.test(check.message)
    ? `${subject}: ${check.message}`
    : `${subject}${joint}${check.message}`;
  return [{ field, message: phrase }];
}

function checkRole(
  arn: string,
  account: string | undefined,
  region: string | undefined,
): readonly Violation[] {
  const field = 'spec.iam_role_arn';
  const role = parseRoleArn(arn);
  if (!role.ok) return [{ field, message: role.message }];
  const { accountId, partition } = role.value;
  const partitionOfRegion = region === undefined ? undefined : findRegion(region)?.partition;
  return [
    ...(account !== undefined && account !== accountId
      ? [{ field, message: `belongs to account ${accountId}, and account_id is another` }]
      : []),
    ...(partitionOfRegion !== undefined && partitionOfRegion !== partition
      ? [{ field, message: `is of partition ${partition}, and the region is of ${partitionOfRegion}` }]
      : []),
  ];
}
