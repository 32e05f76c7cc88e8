import type { Account, FindRole, KnownRole, ManagedPolicy, Role } from '../identities/identity.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';

/** The roles and managed policies of all accounts. What is refused is an AwsError, or an Error that names the role. */
export interface Iam {
  /** As STS sees it: a change is seen when the propagation delay of its time is over. */
  readonly findRole: FindRole;
  /** As it was last written. */
  currentRole(arn: string): { readonly definition: Role; readonly known: KnownRole } | undefined;
  /** The ARN of an account's role by its name, whatever its path. */
  arnOfRole(accountId: string, name: string): string | undefined;
  createRole(accountId: string, role: Role): KnownRole;
  /** Name and path stay, and so does the unique id. */
  changeRole(arn: string, change: (role: Role) => Role): KnownRole;
  deleteRole(arn: string): void;
  findPolicy(arn: string): PolicyDocument | undefined;
  /** Returns its ARN. */
  createPolicy(accountId: string, policy: ManagedPolicy): string;
  changePolicy(arn: string, document: PolicyDocument): void;
  deletePolicy(arn: string): void;
  /** From now on there are these roles and policies alone, which everybody sees at once; throws, and changes nothing, where one is wrong. */
  replaceAccounts(accounts: readonly Account[]): void;
  /** Milliseconds for which changes from now on are not seen. */
  delayPropagation(milliseconds: number): void;
  /** Ends the delay, of changes that are under way too. */
  propagate(): void;
}
