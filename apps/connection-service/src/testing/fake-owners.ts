import { stale, state, unavailable } from '@planton/rpc';

/** What becomes of a call: nothing special, lost before it had an effect, or its answer lost after it had. */
export type Fault = 'before' | 'after' | undefined;

interface OwnerName {
  readonly kind: string;
  readonly uid: string;
  readonly slug: string;
}

export interface RegisteredOwner {
  readonly owner: OwnerName;
  readonly organizationUid: string;
  revision: number;
  confirmed: boolean;
  time: number;
  references: Set<string>;
}

interface OwnerRequest {
  readonly owner?: OwnerName | undefined;
  readonly organizationUid: string;
  readonly revision: number;
}

/** The protocol of references as either service keeps it: what an owner refers to, as texts. */
export interface FakeOwners {
  readonly owners: Map<string, RegisteredOwner>;
  /** Throws for a revision that is older than what is registered. */
  check(request: OwnerRequest): RegisteredOwner | undefined;
  register(request: OwnerRequest, texts: readonly string[]): void;
  commit(request: OwnerRequest, texts: readonly string[]): void;
  unconfirmed(before: Date): Pick<RegisteredOwner, 'owner' | 'organizationUid' | 'revision'>[];
}

export function createFakeOwners(): FakeOwners {
  const owners = new Map<string, RegisteredOwner>();
  const put = (request: OwnerRequest, confirmed: boolean, references: Set<string>) => {
    const { owner, organizationUid, revision } = request;
    if (!owner) return never();
    owners.set(owner.uid, { owner, organizationUid, revision, confirmed, time: Date.now(), references });
  };
  const fake: FakeOwners = {
    owners,
    check: ({ owner, revision }) => {
      const known = owners.get(owner?.uid ?? never());
      if (known && revision < known.revision) throw stale('REVISION_STALE', 'older than what is registered');
      return known;
    },
    register: (request, texts) => {
      const known = fake.check(request);
      put(request, false, new Set([...(known?.references ?? []), ...texts]));
    },
    commit: (request, texts) => {
      const known = fake.check(request);
      const unregistered = texts.filter((text) => !known?.references.has(text));
      if (unregistered.length > 0)
        throw state('NOT_REGISTERED', `never registered: ${unregistered.join(', ')}`);
      put(request, true, new Set(texts));
    },
    unconfirmed: (before) =>
      [...owners.values()]
        .filter(({ confirmed, time }) => !confirmed && time < before.getTime())
        .map(({ owner, organizationUid, revision }) => ({ owner, organizationUid, revision })),
  };
  return fake;
}

export function never(): never {
  throw new Error('validation lets no such request pass');
}

/** Carries out a call unless it is lost. */
export function faulty<T>(fault: Fault, effect: () => T): T {
  if (fault === 'before') throw unavailable('LOST', 'the call was lost');
  const result = effect();
  if (fault === 'after') throw unavailable('LOST', 'the answer was lost');
  return result;
}
