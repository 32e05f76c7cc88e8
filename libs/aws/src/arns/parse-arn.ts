import { checkAccountId } from '../accounts/check-account-id.ts';
import { type Fault, fault, type Parsed } from '../check.ts';
import { findRegion } from '../partitions/find-region.ts';
import { findPartition, type PartitionId } from '../partitions/partition.ts';

/** The parts of `arn:partition:service:region:account:resource`. Region and account are empty where the service has none. */
export interface Arn {
  readonly partition: PartitionId;
  readonly service: string;
  readonly region: string;
  readonly accountId: string;
  /** The rest, colons and all. */
  readonly resource: string;
}

export type ArnReason =
  | 'empty'
  | 'length'
  | 'characters'
  | 'shape'
  | 'partition'
  | 'service'
  | 'region'
  | 'account';

const LONGEST = 2048;

/** Takes an ARN of a supported partition apart; a region in it has to be one of that partition. */
export function parseArn(text: string): Parsed<Arn, ArnReason> {
  if (text === '') return fault('empty', 'is empty; an ARN starts with arn:');
  if (text.length > LONGEST) {
    return fault('length', `is ${text.length} characters long; an ARN has at most ${LONGEST}`);
  }
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return fault('characters', 'holds white space or characters that an ARN cannot have');
  }
  const [scheme, partitionId = '', service = '', region = '', accountId = '', ...rest] = text.split(':');
  const resource = rest.join(':');
  if (scheme !== 'arn' || resource === '') {
    return fault('shape', 'is not of the form arn:partition:service:region:account:resource');
  }
  const partition = findPartition(partitionId);
  if (partition === undefined) {
    return fault('partition', 'names a partition other than aws, aws-us-gov and aws-cn');
  }
  if (!/^[a-z0-9-]+$/.test(service)) return fault('service', 'names no valid service in its third part');
  return (
    faultOfRegion(region, partition.id) ??
    faultOfAccount(accountId) ?? {
      ok: true,
      value: { partition: partition.id, service, region, accountId, resource },
    }
  );
}

/** The inverse of `parseArn`. */
export function formatArn({ partition, service, region, accountId, resource }: Arn): string {
  return ['arn', partition, service, region, accountId, resource].join(':');
}

function faultOfRegion(region: string, partition: PartitionId): Fault<ArnReason> | undefined {
  if (region === '' || findRegion(region)?.partition === partition) return undefined;
  return fault('region', `names in its fourth part no region of partition ${partition}`);
}

/** `aws` owns what AWS itself provides, such as managed policies. */
function faultOfAccount(accountId: string): Fault<ArnReason> | undefined {
  if (accountId === '' || accountId === 'aws') return undefined;
  const checked = checkAccountId(accountId);
  return checked.ok ? undefined : fault('account', `its account id, the fifth part: ${checked.message}`);
}
