export type PartitionId = 'aws' | 'aws-us-gov' | 'aws-cn';

/** A part of AWS with its own accounts, ARNs, endpoints and console. */
export interface Partition {
  readonly id: PartitionId;
  readonly dnsSuffix: string;
  readonly consoleHost: string;
  readonly regions: readonly Region[];
}

export interface Region {
  /** Such as `us-west-2`. */
  readonly name: string;
  /** AWS's own, such as `US West (Oregon)`. */
  readonly description: string;
  readonly partition: PartitionId;
}

/** The partitions that an ordinary company can have accounts in, each with all its regions. */
export const PARTITIONS: readonly Partition[] = [
  definePartition('aws', 'amazonaws.com', 'console.aws.amazon.com', {
    'af-south-1': 'Africa (Cape Town)',
    'ap-east-1': 'Asia Pacific (Hong Kong)',
    'ap-east-2': 'Asia Pacific (Taipei)',
    'ap-northeast-1': 'Asia Pacific (Tokyo)',
    'ap-northeast-2': 'Asia Pacific (Seoul)',
    'ap-northeast-3': 'Asia Pacific (Osaka)',
    'ap-south-1': 'Asia Pacific (Mumbai)',
    'ap-south-2': 'Asia Pacific (Hyderabad)',
    'ap-southeast-1': 'Asia Pacific (Singapore)',
    'ap-southeast-2': 'Asia Pacific (Sydney)',
    'ap-southeast-3': 'Asia Pacific (Jakarta)',
    'ap-southeast-4': 'Asia Pacific (Melbourne)',
    'ap-southeast-5': 'Asia Pacific (Malaysia)',
    'ap-southeast-6': 'Asia Pacific (New Zealand)',
    'ap-southeast-7': 'Asia Pacific (Thailand)',
    'ca-central-1': 'Canada (Central)',
    'ca-west-1': 'Canada West (Calgary)',
    'eu-central-1': 'Europe (Frankfurt)',
    'eu-central-2': 'Europe (Zurich)',
    'eu-north-1': 'Europe (Stockholm)',
    'eu-south-1': 'Europe (Milan)',
    'eu-south-2': 'Europe (Spain)',
    'eu-west-1': 'Europe (Ireland)',
    'eu-west-2': 'Europe (London)',
    'eu-west-3': 'Europe (Paris)',
    'il-central-1': 'Israel (Tel Aviv)',
    'me-central-1': 'Middle East (UAE)',
    'me-south-1': 'Middle East (Bahrain)',
    'me-west-1': 'Middle East (Saudi Arabia)',
    'mx-central-1': 'Mexico (Central)',
    'sa-east-1': 'South America (Sao Paulo)',
    'sa-west-1': 'South America (Chile)',
    'us-east-1': 'US East (N. Virginia)',
    'us-east-2': 'US East (Ohio)',
    'us-west-1': 'US West (N. California)',
    'us-west-2': 'US West (Oregon)',
  }),
  definePartition('aws-us-gov', 'amazonaws.com', 'console.amazonaws-us-gov.com', {
    'us-gov-east-1': 'AWS GovCloud (US-East)',
    'us-gov-west-1': 'AWS GovCloud (US-West)',
  }),
  definePartition('aws-cn', 'amazonaws.com.cn', 'console.amazonaws.cn', {
    'cn-north-1': 'China (Beijing)',
    'cn-northwest-1': 'China (Ningxia)',
  }),
];

const PARTITION_OF_ID = new Map(PARTITIONS.map((partition) => [partition.id as string, partition]));

/** Undefined for an id that is none of the three. */
export function findPartition(id: PartitionId): Partition;
export function findPartition(id: string): Partition | undefined;
export function findPartition(id: string): Partition | undefined {
  return PARTITION_OF_ID.get(id);
}

function definePartition(
  id: PartitionId,
  dnsSuffix: string,
  consoleHost: string,
  descriptions: Readonly<Record<string, string>>,
): Partition {
  const regions = Object.entries(descriptions).map(([name, description]) => ({
    name,
    description,
    partition: id,
  }));
  return { id, dnsSuffix, consoleHost, regions };
}
