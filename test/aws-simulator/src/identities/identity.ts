import type { PartitionId } from '@planton/aws';
import type { TrustPolicy } from '../trust/trust-policy.ts';

/** An AWS account that the simulator knows. */
export interface Account {
  /** 12 digits. */
  readonly id: string;
  /** `aws` when absent. */
  readonly partition?: PartitionId;
  readonly users: readonly User[];
  readonly roles?: readonly Role[];
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

/** A role that others assume. */
export interface Role {
  /** 1 to 64 letters, digits and `_+=,.@-`. */
  readonly name: string;
  /** Such as `/planton/`; `/` when absent. */
  readonly path?: string;
  /** The policy document that says who may assume it, as JSON reads it. */
  readonly trustPolicy: Readonly<Record<string, unknown>>;
  /** Seconds, 3600 to 43200; 3600 when absent. */
  readonly maxSessionDuration?: number;
}

/** A role with what was found out about it when it was configured. */
export interface KnownRole {
  readonly accountId: string;
  readonly partition: PartitionId;
  readonly name: string;
  readonly arn: string;
  /** AWS's unique id of the role, such as `AROA…`. */
  readonly roleId: string;
  readonly trustPolicy: TrustPolicy;
  readonly maxSessionDuration: number;
}

/** Who makes a call. */
export interface Caller {
  readonly kind: 'user' | 'session';
  readonly accountId: string;
  readonly partition: PartitionId;
  readonly arn: string;
  /** What policies compare as `aws:PrincipalArn`: of a session it is the ARN of its role. */
  readonly principalArn: string;
  /** AWS's unique id: of a user `AIDA…`, of a session `AROA…:` and its name. */
  readonly userId: string;
}

/** What a request can be signed with. */
export interface Credential {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of a temporary credential only. */
  readonly sessionToken?: string;
  /** Of a temporary credential only: it is of no use from then on. */
  readonly expireTime?: Date;
  readonly active: boolean;
  readonly caller: Caller;
}

export type FindCredential = (accessKeyId: string) => Credential | undefined;

export type FindRole = (arn: string) => KnownRole | undefined;
