import type { PartitionId } from '@planton/aws';

/** An AWS account that the simulator knows. */
export interface Account {
  /** 12 digits. */
  readonly id: string;
  /** `aws` when absent. */
  readonly partition?: PartitionId;
  readonly users: readonly User[];
}

export interface User {
  readonly name: string;
  readonly accessKeys: readonly AccessKey[];
}

export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** `Active` when absent. */
  readonly status?: 'Active' | 'Inactive';
}

/** Who makes a call. */
export interface Caller {
  readonly accountId: string;
  readonly partition: PartitionId;
  readonly arn: string;
  /** AWS's unique id of the user, such as `AIDA…`. */
  readonly userId: string;
}

/** What a request can be signed with. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a temporary credential only. */
  readonly sessionToken?: string;
  readonly active: boolean;
  readonly caller: Caller;
}

export type FindCredential = (accessKeyId: string) => Credential | undefined;
