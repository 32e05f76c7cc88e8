import type { PartitionId } from '@planton/aws';
import type { IdentityPolicy, PolicyDocument } from '../policies/identity-policy.ts';
import type { TrustPolicy } from '../trust/trust-policy.ts';

/** An AWS account that the simulator knows. */
export interface Account {
  /** 12 digits. */
  readonly id: string;
  /** `aws` when absent. */
  readonly partition?: PartitionId;
  readonly users: readonly User[];
  readonly roles?: readonly Role[];
  /** Managed policies of the account's own, for roles to have attached or as their boundary. */
  readonly managedPolicies?: readonly ManagedPolicy[];
}

/** A user is an administrator of the account. */
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
  readonly trustPolicy: PolicyDocument;
  /** Seconds, 3600 to 43200; 3600 when absent. */
  readonly maxSessionDuration?: number;
  /** Inline policies by their names; none when absent, and then its sessions may do nothing that needs leave. */
  readonly policies?: Readonly<Record<string, PolicyDocument>>;
  /** ARNs of managed policies, the account's own or AWS's. */
  readonly managedPolicyArns?: readonly string[];
  /** The ARN of a managed policy. */
  readonly permissionsBoundaryArn?: string;
  readonly tags?: Readonly<Record<string, string>>;
}

export interface ManagedPolicy {
  readonly name: string;
  /** `/` when absent. */
  readonly path?: string;
  readonly document: PolicyDocument;
}

/** A role with what was found out about it when it was made or changed. */
export interface KnownRole {
  readonly accountId: string;
  readonly partition: PartitionId;
  readonly name: string;
  readonly arn: string;
  /** AWS's unique id of the role, such as `AROA…`; another one when a role of the name is made again. */
  readonly roleId: string;
  readonly trustPolicy: TrustPolicy;
  readonly maxSessionDuration: number;
  /** Inline and attached ones. */
  readonly policies: readonly IdentityPolicy[];
  readonly boundary?: IdentityPolicy;
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
  /** Of a session only. */
  readonly session?: SessionContext;
}

/** What was said of a session when its role was assumed. */
export interface SessionContext {
  readonly tags: ReadonlyMap<string, string>;
  /** Keys of tags that sessions of roles assumed from this one have too. */
  readonly transitiveTagKeys: readonly string[];
  readonly sourceIdentity?: string;
  /** What the session is limited to; absent where it may do all that its role may. */
  readonly policies?: readonly IdentityPolicy[];
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
