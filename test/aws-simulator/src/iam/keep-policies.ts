import { deleteConflict, entityAlreadyExists, noSuchEntity } from '../errors/aws-error.ts';
import type { Account, ManagedPolicy } from '../identities/identity.ts';
import { type PolicyDocument, parseIdentityPolicy } from '../policies/identity-policy.ts';
import { findAwsPolicy } from './aws-policies.ts';
import { checkPolicyLimits } from './check-limits.ts';

/** Managed policies by ARN. */
export interface ManagedPolicies {
  find(arn: string): PolicyDocument | undefined;
  create(account: Pick<Account, 'id' | 'partition'>, policy: ManagedPolicy): string;
  change(arn: string, document: PolicyDocument): void;
  delete(arn: string, attached: boolean): void;
}

/** @throws Error of the first policy that IAM would not take */
export function keepPolicies(accounts: readonly Account[]): ManagedPolicies {
  const documents = new Map<string, PolicyDocument>();
  const create: ManagedPolicies['create'] = (account, policy) => {
    const { name, path = '/', document } = policy;
    const arn = `arn:${account.partition ?? 'aws'}:iam::${account.id}:policy${path}${name}`;
    if (!/^[\w+=,.@-]{1,128}$/.test(name) || !/^\/([\x21-\x7e]*\/)?$/.test(path)) {
      throw new Error(`${arn}: the name or the path of a policy is not valid`);
    }
    parseIdentityPolicy(document, arn);
    checkPolicyLimits(policy);
    const start = `arn:${account.partition ?? 'aws'}:iam::${account.id}:policy/`;
    const taken = [...documents.keys()].some(
      (each) => each.startsWith(start) && nameOf(each) === name.toLowerCase(),
    );
    if (taken) throw entityAlreadyExists('Policy', name);
    documents.set(arn, document);
    return arn;
  };
  for (const account of accounts) {
    for (const policy of account.managedPolicies ?? []) create(account, policy);
  }
  const demand = (arn: string): void => {
    if (!documents.has(arn)) throw noSuchEntity(`Policy ${arn} was not found.`);
  };
  return {
    find: (arn) => documents.get(arn) ?? findAwsPolicy(arn),
    create,
    change: (arn, document) => {
      demand(arn);
      parseIdentityPolicy(document, arn);
      checkPolicyLimits({ name: arn, document });
      documents.set(arn, document);
    },
    delete: (arn, attached) => {
      demand(arn);
      if (attached) throw deleteConflict('Cannot delete a policy attached to entities.');
      documents.delete(arn);
    },
  };
}

function nameOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1).toLowerCase();
}
