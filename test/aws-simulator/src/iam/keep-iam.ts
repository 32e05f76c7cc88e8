import { entityAlreadyExists, noSuchEntity } from '../errors/aws-error.ts';
import type { Account, KnownRole, Role } from '../identities/identity.ts';
import type { Iam } from './iam.ts';
import { keepPolicies, type ManagedPolicies } from './keep-policies.ts';
import { arnOf, knowRole } from './know-role.ts';

/** All that was ever written of one ARN. */
interface Entry {
  readonly account: Pick<Account, 'id' | 'partition'>;
  current?: { readonly definition: Role; readonly known: KnownRole };
  /** In the order they were written; the last one whose time has come is what STS sees. */
  versions: readonly { readonly from: number; readonly known: KnownRole | undefined }[];
  creations: number;
}

/** @throws Error of the first account, role or policy that is wrong */
export function keepIam(accounts: readonly Account[], now: () => Date): Iam {
  let known: ReadonlyMap<string, Pick<Account, 'id' | 'partition'>> = new Map();
  let entries: ReadonlyMap<string, Entry> = new Map();
  let policies: ManagedPolicies = keepPolicies([]);
  let delay = 0;

  const write = (entry: Entry, current: Entry['current'], from = now().getTime() + delay): void => {
    const version = { from, known: current?.known };
    const seen = entry.versions.findLastIndex((each) => each.from <= now().getTime());
    entry.versions =
      from === Number.NEGATIVE_INFINITY ? [version] : [...entry.versions.slice(Math.max(seen, 0)), version];
    if (current === undefined) delete entry.current;
    else entry.current = current;
  };

  const isTaken = (among: ReadonlyMap<string, Entry>, accountId: string, name: string): boolean =>
    arnOfName(among, accountId, name) !== undefined;

  const create = (
    among: Map<string, Entry>,
    account: Entry['account'],
    role: Role,
    from?: number,
  ): KnownRole => {
    const arn = arnOf(account, role);
    const entry = among.get(arn) ?? { account, versions: [], creations: 0 };
    const made = knowRole(account, role, entry.creations, policies.find);
    write(entry, { definition: role, known: made }, from);
    entry.creations += 1;
    among.set(arn, entry);
    return made;
  };

  const demand = (arn: string): Entry & Required<Pick<Entry, 'current'>> => {
    const entry = entries.get(arn);
    if (entry?.current === undefined) {
      throw noSuchEntity(`The role with name ${arn.slice(arn.lastIndexOf('/') + 1)} cannot be found.`);
    }
    return entry as Entry & Required<Pick<Entry, 'current'>>;
  };

  const change = (arn: string, edit: (role: Role) => Role): KnownRole => {
    const entry = demand(arn);
    const { name, path } = entry.current.definition;
    const definition: Role = { ...edit(entry.current.definition), name, ...(path !== undefined && { path }) };
    const changed = knowRole(entry.account, definition, entry.creations - 1, policies.find);
    write(entry, { definition, known: changed });
    return changed;
  };

  const rolesWith = (policyArn: string): readonly string[] =>
    [...entries].flatMap(([arn, { current }]) => {
      const { managedPolicyArns = [], permissionsBoundaryArn } = current?.definition ?? {};
      return [...managedPolicyArns, permissionsBoundaryArn].includes(policyArn) ? [arn] : [];
    });

  const accountOf = (id: string): Entry['account'] => {
    const account = known.get(id);
    if (account === undefined) throw noSuchEntity(`there is no account ${id}`);
    return account;
  };

  const iam: Iam = {
    findRole: (arn) => entries.get(arn)?.versions.findLast(({ from }) => from <= now().getTime())?.known,
    currentRole: (arn) => entries.get(arn)?.current,
    arnOfRole: (accountId, name) => arnOfName(entries, accountId, name),
    createRole: (accountId, role) => {
      const account = accountOf(accountId);
      if (isTaken(entries, accountId, role.name)) throw entityAlreadyExists('Role', role.name);
      const changed = new Map(entries);
      const made = create(changed, account, role);
      entries = changed;
      return made;
    },
    changeRole: change,
    deleteRole: (arn) => write(demand(arn), undefined),
    findPolicy: (arn) => policies.find(arn),
    createPolicy: (accountId, policy) => policies.create(accountOf(accountId), policy),
    changePolicy: (arn, document) => {
      policies.change(arn, document);
      for (const role of rolesWith(arn)) change(role, (definition) => definition);
    },
    deletePolicy: (arn) => policies.delete(arn, rolesWith(arn).length > 0),
    replaceAccounts: (replacement) => {
      const before = { known, policies };
      try {
        known = new Map(
          replacement.map(({ id, partition }) => [id, { id, ...(partition && { partition }) }]),
        );
        policies = keepPolicies(replacement);
        entries = replaceRoles(replacement);
      } catch (error) {
        ({ known, policies } = before);
        throw error;
      }
    },
    delayPropagation: (milliseconds) => {
      delay = milliseconds;
    },
    propagate: () => {
      delay = 0;
      for (const entry of entries.values()) write(entry, entry.current, Number.NEGATIVE_INFINITY);
    },
  };

  /** A role that stays keeps its unique id; one that is back after it was gone has another. */
  const replaceRoles = (replacement: readonly Account[]): ReadonlyMap<string, Entry> => {
    const replaced = new Map<string, Entry>();
    for (const account of replacement) {
      for (const role of account.roles ?? []) {
        const arn = arnOf(account, role);
        if (isTaken(replaced, account.id, role.name)) {
          throw new Error(`${arn}: there is another role of this name`);
        }
        const { current, creations = 0 } = entries.get(arn) ?? {};
        replaced.set(arn, {
          account,
          versions: [],
          creations: current === undefined ? creations : creations - 1,
        });
        create(replaced, account, role, Number.NEGATIVE_INFINITY);
      }
    }
    for (const [arn, { account, creations }] of entries) {
      if (!replaced.has(arn)) replaced.set(arn, { account, versions: [], creations });
    }
    return replaced;
  };

  iam.replaceAccounts(accounts);
  return iam;
}

/** Names of roles compare without their case, and across paths. */
function arnOfName(entries: ReadonlyMap<string, Entry>, accountId: string, name: string): string | undefined {
  const wanted = name.toLowerCase();
  for (const [arn, { account, current }] of entries) {
    if (account.id === accountId && current?.definition.name.toLowerCase() === wanted) return arn;
  }
  return undefined;
}
