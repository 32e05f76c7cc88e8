import fc from 'fast-check';
import { expect, test } from 'vitest';
import type {
  Authorization,
  Candidate,
  Connection,
  DefaultRecord,
  ResolveRequest,
  Snapshot,
} from './decision.ts';
import { resolveConnection } from './resolve-connection.ts';

const RUNS = { numRuns: 500 };

// Few distinct values, so that collisions of uids, slugs and providers are the rule and not the exception.
const text = fc.oneof(
  fc.constantFrom('', 'a', 'b', 'production'),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const provider = fc.constantFrom('aws', 'gcp', 'acme-cloud');
const environment = fc.record({ uid: fc.constantFrom('e1', 'e2', 'e3'), slug: text });
const connection: fc.Arbitrary<Connection> = fc.record({
  uid: fc.constantFrom('c1', 'c2', 'c3'),
  slug: text,
  name: text,
  provider,
  kind: text,
});
const authorization: fc.Arbitrary<Authorization | null> = fc.oneof(
  fc.constant(null),
  fc.constant<Authorization>({ scope: 'organization' }),
  fc
    .array(environment, { maxLength: 4 })
    .map((environments): Authorization => ({ scope: 'environment', environments })),
);
const candidate: fc.Arbitrary<Candidate> = fc.record({ connection, authorization });
const intactDefault: fc.Arbitrary<DefaultRecord> = candidate.map((target) => ({
  connectionUid: target.connection.uid,
  target,
}));
const anyDefault: fc.Arbitrary<DefaultRecord | null> = fc.oneof(
  { weight: 4, arbitrary: intactDefault },
  fc.constant(null),
  fc.record({ connectionUid: fc.constantFrom('c1', 'c2', 'c3'), target: fc.option(candidate) }),
);
const request: fc.Arbitrary<ResolveRequest> = fc.record(
  { organization: text, provider, environment, connection: text },
  { requiredKeys: ['organization'] },
);
const snapshot: fc.Arbitrary<Snapshot> = fc.record({
  explicit: fc.option(candidate),
  environmentDefault: anyDefault,
  organizationDefault: anyDefault,
  requireAuthorization: fc.boolean(),
});

/** The result without its explanation, which is meant to tell of shadowed levels. */
function outcomeOf(asked: ResolveRequest, read: Snapshot) {
  const { decision: _, ...outcome } = resolveConnection(asked, read);
  return outcome;
}

test('a named connection decides, whether it wins or fails', () => {
  fc.assert(
    fc.property(request, text, snapshot, (asked, named, read) => {
      const resolution = resolveConnection({ ...asked, connection: named }, read);
      if (resolution.ok) {
        expect(resolution.source).toBe('explicit');
        expect(resolution.connection).toBe(read.explicit?.connection);
      } else {
        expect(resolution.error.metadata.level).toBe('explicit');
        expect(resolution.error.reason).not.toMatch(/^DEFAULT_/);
      }
    }),
    RUNS,
  );
});

test('an explicit winner that is removed is not found, and nothing takes its place', () => {
  fc.assert(
    fc.property(request, text, candidate, snapshot, (asked, named, winner, read) => {
      const explicit = { ...asked, provider: winner.connection.provider, connection: named };
      const free = { ...winner, authorization: { scope: 'organization' } as const };
      expect(resolveConnection(explicit, { ...read, explicit: free }).ok).toBe(true);
      expect(resolveConnection(explicit, { ...read, explicit: null })).toMatchObject({
        ok: false,
        error: { kind: 'missing', reason: 'CONNECTION_NOT_FOUND' },
      });
    }),
    RUNS,
  );
});

test('a shadowed level never changes the outcome', () => {
  fc.assert(
    fc.property(
      request,
      snapshot,
      anyDefault,
      anyDefault,
      (asked, read, otherEnvironment, otherOrganization) => {
        const { decision } = resolveConnection(asked, read);
        const [explicit, atEnvironment] = decision;
        const outcome = outcomeOf(asked, read);
        if (explicit.outcome !== 'not_requested') {
          const changed = {
            ...read,
            environmentDefault: otherEnvironment,
            organizationDefault: otherOrganization,
          };
          expect(outcomeOf(asked, changed)).toStrictEqual(outcome);
        } else if (atEnvironment.connection !== null) {
          expect(outcomeOf(asked, { ...read, organizationDefault: otherOrganization })).toStrictEqual(
            outcome,
          );
        } else if (asked.environment === undefined) {
          expect(outcomeOf(asked, { ...read, environmentDefault: otherEnvironment })).toStrictEqual(outcome);
        }
      },
    ),
    RUNS,
  );
});

test('a level that holds something unusable never gives way to the next', () => {
  fc.assert(
    fc.property(request, environment, snapshot, intactDefault, (asked, where, read, organizationDefault) => {
      const { connection: _, ...unnamed } = { ...asked, environment: where, provider: 'aws' };
      const dangling = { connectionUid: 'c1', target: null };
      const resolution = resolveConnection(unnamed, {
        ...read,
        environmentDefault: dangling,
        organizationDefault,
      });
      expect(resolution).toMatchObject({ ok: false, error: { kind: 'state', reason: 'DEFAULT_DANGLING' } });
    }),
    RUNS,
  );
});

test('a list of environments allows exactly the uids on it, whatever the slugs', () => {
  fc.assert(
    fc.property(
      connection,
      fc.array(environment, { maxLength: 4 }),
      fc.option(environment, { nil: undefined }),
      fc.boolean(),
      (listedFor, environments, where, requireAuthorization) => {
        const resolution = resolveConnection(
          { organization: 'acme', connection: listedFor.slug, environment: where },
          {
            explicit: { connection: listedFor, authorization: { scope: 'environment', environments } },
            environmentDefault: null,
            organizationDefault: null,
            requireAuthorization,
          },
        );
        expect(resolution.ok).toBe(environments.some(({ uid }) => uid === where?.uid));
        if (!resolution.ok) expect(resolution.error.reason).toBe('CONNECTION_NOT_AUTHORIZED');
      },
    ),
    RUNS,
  );
});

test('without a record the policy alone decides, with or without an environment', () => {
  fc.assert(
    fc.property(request, connection, snapshot, (asked, unrecorded, read) => {
      const explicit = { connection: unrecorded, authorization: null };
      const named = { ...asked, provider: unrecorded.provider, connection: unrecorded.slug };
      expect(resolveConnection(named, { ...read, explicit }).ok).toBe(!read.requireAuthorization);
    }),
    RUNS,
  );
});

test('the connection found is of the provider asked for', () => {
  fc.assert(
    fc.property(request, snapshot, (asked, read) => {
      const resolution = resolveConnection(asked, read);
      if (resolution.ok && asked.provider !== undefined) {
        expect(resolution.connection.provider).toBe(asked.provider);
      }
    }),
    RUNS,
  );
});

test('every decision has each level once, in order, and at most one level decided', () => {
  fc.assert(
    fc.property(request, snapshot, (asked, read) => {
      const resolution = resolveConnection(asked, read);
      const { decision } = resolution;
      expect(decision.map(({ level }) => level)).toEqual([
        'explicit',
        'environment',
        'organization',
        'authorization',
      ]);

      const passive = ['shadowed', 'empty', 'not_requested'];
      const deciding = decision.slice(0, 3).filter(({ outcome }) => !passive.includes(outcome));
      expect(deciding.length).toBeLessThanOrEqual(1);
      const shadowed = decision.slice(0, 3).filter(({ outcome }) => outcome === 'shadowed');
      const claimed = decision.flatMap((step) => (step.level === 'authorization' ? [] : step.shadows));
      expect(claimed).toEqual(shadowed.map(({ level }) => level));

      const [, , , authorized] = decision;
      expect(resolution.ok).toBe(authorized.outcome === 'allowed');
      if (resolution.ok) expect(deciding).toMatchObject([{ level: resolution.source, outcome: 'selected' }]);
    }),
    RUNS,
  );
});

test('resolution is deterministic, and changes neither the request nor the snapshot', () => {
  fc.assert(
    fc.property(request, snapshot, (asked, read) => {
      const before = structuredClone({ asked, read });
      expect(resolveConnection(asked, read)).toEqual(resolveConnection(before.asked, before.read));
      expect({ asked, read }).toEqual(before);
    }),
    RUNS,
  );
});

test('no hint or sentence carries a control character, or a name that a shell would act on', () => {
  fc.assert(
    fc.property(request, snapshot, (asked, read) => {
      const resolution = resolveConnection(asked, read);
      const sentences = resolution.decision.map(({ reason }) => reason);
      if (!resolution.ok) {
        sentences.push(resolution.error.message);
        expect(resolution.error.hint).toMatch(
          /^planton connection( [a-z]+)+( --[a-z]+ [A-Za-z0-9][A-Za-z0-9._,-]*)*$/,
        );
      }
      for (const sentence of sentences) expect(sentence).not.toMatch(/\p{C}/u);
    }),
    RUNS,
  );
});
