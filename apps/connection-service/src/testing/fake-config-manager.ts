import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import { ConfigManager, type SetReferencesRequest } from '@planton/api/config/v1/config_manager_service';
import { type Reference, ReferencePhase } from '@planton/api/config/v1/reference';
import {
  denied,
  hasPermission,
  missing,
  organizationCallerOf,
  serviceCallerOf,
  stale,
  state,
  unavailable,
  type Violation,
} from '@planton/rpc';

export type Method = 'register' | 'commit' | 'list' | 'resolve';

/** What becomes of a call: nothing special, lost before it had an effect, or its answer lost after it had. */
export type Fault = 'before' | 'after' | undefined;

interface RegisteredOwner {
  readonly owner: { readonly kind: string; readonly uid: string; readonly slug: string };
  readonly organizationUid: string;
  revision: number;
  confirmed: boolean;
  time: number;
  references: Set<string>;
}

/** Config-manager's side of the contract in memory, for one organisation level, with faults that a test chooses. */
export interface FakeConfigManager {
  /** `ORG/SLUG` to entries. */
  readonly secrets: Map<string, Record<string, string>>;
  /** `ORG/SLUG` to value. */
  readonly variables: Map<string, string>;
  readonly owners: Map<string, RegisteredOwner>;
  readonly calls: Method[];
  fault: (method: Method) => Fault;
  /** Awaited before a registration takes effect. */
  beforeRegister: () => Promise<void>;
  routes(router: ConnectRouter): void;
}

export function textOf({ target }: Reference): string {
  return target.case === 'secret'
    ? `secret/${target.value.slug}/${target.value.key}`
    : `variable/${target.value}`;
}

export function createFakeConfigManager(): FakeConfigManager {
  const fake: FakeConfigManager = {
    secrets: new Map(),
    variables: new Map(),
    owners: new Map(),
    calls: [],
    fault: () => undefined,
    beforeRegister: async () => {},
    routes: (router) => {
      router.service(ConfigManager, {
        setReferences: async (request, context) => {
          const { actor } = serviceCallerOf(context);
          const register = request.phase === ReferencePhase.REGISTER;
          if (register) await fake.beforeRegister();
          return faulty(fake, register ? 'register' : 'commit', () => {
            if (!register) return commit(fake, request);
            const may = (permission: Permission) =>
              actor?.membership !== undefined && hasPermission(actor.membership, permission);
            return registerAll(fake, request, may(Permission.SECRET_USE));
          });
        },
        listUnconfirmedOwners: (request) =>
          faulty(fake, 'list', () => ({
            owners: [...fake.owners.values()]
              .filter(
                ({ confirmed, time }) =>
                  !confirmed && time < timestampDate(request.before ?? never()).getTime(),
              )
              .map(({ owner, organizationUid, revision }) => ({ owner, organizationUid, revision })),
          })),
        resolveReferences: (request, context) =>
          faulty(fake, 'resolve', () => {
            organizationCallerOf(context);
            const owner = fake.owners.get(request.ownerUid);
            const values = request.references.map((reference, index) => {
              if (!owner?.references.has(textOf(reference))) throw denied('NOT_REGISTERED', 'not registered');
              const value = lookUp(fake, request.org, reference);
              if (value === undefined) throw notFound([violation(reference, index)]);
              return { value };
            });
            return { values };
          }),
        getVariable: (request) => {
          const value = fake.variables.get(`${request.org}/${request.slug}`);
          if (value === undefined) throw missing('VARIABLE_NOT_FOUND', `no variable ${request.slug}`);
          return { variable: { slug: request.slug, value } };
        },
      });
    },
  };
  return fake;
}

function never(): never {
  throw new Error('validation lets no request without a time pass');
}

function faulty<T>(fake: FakeConfigManager, method: Method, effect: () => T): T {
  fake.calls.push(method);
  const fault = fake.fault(method);
  if (fault === 'before') throw unavailable('LOST', 'the call was lost');
  const result = effect();
  if (fault === 'after') throw unavailable('LOST', 'the answer was lost');
  return result;
}

function registerAll(fake: FakeConfigManager, request: SetReferencesRequest, mayUse: boolean) {
  const { owner, organizationUid, revision, references } = request;
  if (!owner) return never();
  const known = fake.owners.get(owner.uid);
  if (known && revision < known.revision) throw stale('REVISION_STALE', 'older than what is registered');
  const absent = references.flatMap((reference, index) =>
    lookUp(fake, request.org, reference) === undefined ? [violation(reference, index)] : [],
  );
  if (absent.length > 0) throw notFound(absent);
  const added = references.filter((reference) => !known?.references.has(textOf(reference)));
  if (!mayUse && added.some(({ target }) => target.case === 'secret')) {
    throw denied('PERMISSION_DENIED', 'your role does not include secret_use');
  }
  if (request.validateOnly) return {};
  fake.owners.set(owner.uid, {
    owner,
    organizationUid,
    revision,
    confirmed: false,
    time: Date.now(),
    references: new Set([...(known?.references ?? []), ...references.map(textOf)]),
  });
  return {};
}

function commit(
  fake: FakeConfigManager,
  { owner, organizationUid, revision, references }: SetReferencesRequest,
) {
  if (!owner) return never();
  const known = fake.owners.get(owner.uid);
  if (known && revision < known.revision) throw stale('REVISION_STALE', 'older than what is registered');
  const wanted = references.map(textOf);
  const unregistered = wanted.filter((text) => !known?.references.has(text));
  if (unregistered.length > 0) throw state('NOT_REGISTERED', `never registered: ${unregistered.join(', ')}`);
  fake.owners.set(owner.uid, {
    owner,
    organizationUid,
    revision,
    confirmed: true,
    time: Date.now(),
    references: new Set(wanted),
  });
  return {};
}

function lookUp(fake: FakeConfigManager, org: string, { target }: Reference): string | undefined {
  if (target.case === 'variable') return fake.variables.get(`${org}/${target.value}`);
  if (target.case !== 'secret') return undefined;
  return fake.secrets.get(`${org}/${target.value.slug}`)?.[target.value.key];
}

function violation(reference: Reference, index: number): Violation {
  const { target } = reference;
  const name = target.case === 'secret' ? `secret "${target.value.slug}"` : `variable "${target.value}"`;
  return { field: `references[${index}]`, message: `${name} does not exist` };
}

function notFound(violations: readonly Violation[]) {
  return missing('REFERENCES_NOT_FOUND', violations.map(({ message }) => message).join(', '), {
    violations,
    hint: 'planton secret set SLUG value=…',
  });
}
