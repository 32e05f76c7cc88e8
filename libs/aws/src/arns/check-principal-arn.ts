import { type Fault, fault, type Parsed } from '../check.ts';
import type { PartitionId } from '../partitions/partition.ts';
import { type Arn, type ArnReason, parseArn } from './parse-arn.ts';

/** The parts of the ARN of a role or of a user: who the platform is in AWS, as trust policies name it. */
export interface PrincipalArn {
  readonly kind: 'role' | 'user';
  readonly partition: PartitionId;
  readonly accountId: string;
  /** `/`, or a path that starts and ends with one. */
  readonly path: string;
  readonly name: string;
}

export type PrincipalArnReason = ArnReason | 'session' | 'not_a_principal' | 'path' | 'name';

const LONGEST_PATH = 512;
const FORM = 'arn:aws:iam::ACCOUNT:role/NAME';

/**
 * Takes the ARN of an IAM role or user apart. A trust policy compares it by `ArnEquals`, which takes `*` and `?` for
 * wildcards: an ARN with one of them, which a path may have, is refused.
 */
export function checkPrincipalArn(text: string): Parsed<PrincipalArn, PrincipalArnReason> {
  const arn = parseArn(text);
  if (!arn.ok) return arn;
  const other = faultOfKind(arn.value);
  if (other !== undefined) return other;
  const { partition, region, accountId, resource } = arn.value;
  if (region !== '') return fault('region', `names a region; it reads ${FORM}`);
  if (!/^[0-9]{12}$/.test(accountId)) return fault('account', 'names no account id in its fifth part');
  const kind = resource.startsWith('role/') ? 'role' : 'user';
  const whole = resource.slice(kind.length);
  const path = whole.slice(0, whole.lastIndexOf('/') + 1);
  const name = whole.slice(path.length);
  if (path.length > LONGEST_PATH || !/^\/(?:[\w+=,.@-]+\/)*$/.test(path)) {
    return fault(
      'path',
      `has a path with an empty part, other characters than letters, digits and _+=,.@-, or more than ${LONGEST_PATH} characters`,
    );
  }
  if (!/^[\w+=,.@-]{1,64}$/.test(name)) {
    return fault('name', 'has no valid name at its end: 1 to 64 letters, digits and _+=,.@-');
  }
  return { ok: true, value: { kind, partition, accountId, path, name } };
}

function faultOfKind({ service, resource }: Arn): Fault<PrincipalArnReason> | undefined {
  if (service === 'sts' && resource.startsWith('assumed-role/')) {
    return fault(
      'session',
      `is the ARN of a session of a role; give the role's own ARN, which reads ${FORM}`,
    );
  }
  if (service === 'iam' && resource === 'root') {
    return fault(
      'not_a_principal',
      `is the ARN of a whole account; give the ARN of one role, which reads ${FORM}`,
    );
  }
  if (service !== 'iam' || !/^(?:role|user)\//.test(resource)) {
    return fault('not_a_principal', `is the ARN of neither a role nor a user; that of a role reads ${FORM}`);
  }
  return undefined;
}
