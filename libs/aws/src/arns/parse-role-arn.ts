import { fault, type Parsed } from '../check.ts';
import type { PartitionId } from '../partitions/partition.ts';
import { type ArnReason, formatArn, parseArn } from './parse-arn.ts';

/** The parts of `arn:partition:iam::account:role/path/name`. */
export interface RoleArn {
  readonly partition: PartitionId;
  readonly accountId: string;
  /** `/`, or a path that starts and ends with one. */
  readonly path: string;
  readonly name: string;
}

export type RoleArnReason = ArnReason | 'not_a_role' | 'path' | 'name';

const LONGEST_PATH = 512;

/** Takes the ARN of an IAM role apart. An ARN of something else is told what it is the ARN of, and where to find the role's. */
export function parseRoleArn(text: string): Parsed<RoleArn, RoleArnReason> {
  const arn = parseArn(text);
  if (!arn.ok) return arn;
  const { partition, service, region, accountId, resource } = arn.value;
  const other = nameOther(service, resource);
  if (other !== undefined) {
    return fault(
      'not_a_role',
      `is the ARN of ${other}; the ARN of a role reads arn:aws:iam::ACCOUNT:role/NAME`,
    );
  }
  if (region !== '') return fault('region', 'names a region; the ARN of a role leaves the fourth part empty');
  if (!/^[0-9]{12}$/.test(accountId)) return fault('account', 'names no account id in its fifth part');
  const whole = resource.slice('role'.length);
  const path = whole.slice(0, whole.lastIndexOf('/') + 1);
  const name = whole.slice(path.length);
  if (path.length > LONGEST_PATH || path.includes('//')) {
    return fault('path', `has a path with an empty part or more than ${LONGEST_PATH} characters`);
  }
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
    return fault('name', 'has no valid role name at its end: 1 to 64 letters, digits and _+=,.@-');
  }
  return { ok: true, value: { partition, accountId, path, name } };
}

/** The inverse of `parseRoleArn`. */
export function formatRoleArn({ partition, accountId, path, name }: RoleArn): string {
  return formatArn({ partition, service: 'iam', region: '', accountId, resource: `role${path}${name}` });
}

function nameOther(service: string, resource: string): string | undefined {
  if (service === 'iam' && resource.startsWith('role/')) return undefined;
  if (service === 'sts' && resource.startsWith('assumed-role/')) return 'a session of a role';
  if (service !== 'iam') return 'something that is not in IAM';
  if (resource.startsWith('user/')) return 'an IAM user';
  if (resource.startsWith('policy/')) return 'an IAM policy';
  if (resource.startsWith('instance-profile/')) return 'an instance profile';
  if (resource === 'root') return 'an account';
  return 'something in IAM that is not a role';
}
