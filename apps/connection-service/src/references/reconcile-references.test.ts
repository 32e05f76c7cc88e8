import { AuthMode } from '@planton/api/connect/v1/aws_provider_connection';
import type { Database } from '@planton/database';
import { engines } from '@planton/database/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterEach, describe, expect, test } from 'vitest';
import type { Deps } from '../deps.ts';
import type { ConnectTables } from '../schema.ts';
import type { Fault, RegisteredOwner } from '../testing/fake-owners.ts';
import {
  awsConnection,
  awsOf,
  refusalOf,
  type TestOrganization,
  useTestService,
} from '../testing/use-test-service.ts';
import { deliverDueReferences } from './deliver-references.ts';
import { referencesOfRow, runnersOfRow } from './fence-store.ts';
import { reconcileReferences } from './reconcile-references.ts';
import { referenceKey } from './reference.ts';

const SECRETS = ['s0', 's1', 's2', 's3'];
const RUNNERS = ['r0', 'r1'];

/** Where the service or one that it calls dies; `abandoned` is an apply that lives but was taken for dead just before it commits. */
const crashes = [
  'abandoned',
  'none',
  'register',
  'registered',
  'transaction',
  'committed',
  'confirm',
  'confirmed',
] as const;
type Crash = (typeof crashes)[number];

/** Which of the services a lost call was for. */
const losses = ['config', 'runner', 'both'] as const;
type Loss = (typeof losses)[number];

/** What a connection refers to. Without secrets it is one that a runner authenticates. */
interface Content {
  readonly secrets: readonly string[];
  readonly runner: string;
}

type Step =
  | ({
      readonly do: 'apply' | 'race';
      readonly slug: string;
      readonly crash: Crash;
      readonly loss: Loss;
    } & Content)
  | { readonly do: 'delete'; readonly slug: string; readonly crash: Crash; readonly loss: Loss }
  | { readonly do: 'reconcile' }
  | { readonly do: 'deliver' };

const slugs = fc.constantFrom('a', 'b');
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('apply' as const, 'race' as const),
      slug: slugs,
      secrets: fc.oneof(
        { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...SECRETS), fc.constantFrom(...SECRETS)) },
        { weight: 1, arbitrary: fc.constant([]) },
      ),
      runner: fc.constantFrom('', ...RUNNERS),
      crash: fc.constantFrom(...crashes),
      loss: fc.constantFrom(...losses),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      slug: slugs,
      crash: fc.constantFrom(...crashes),
      loss: fc.constantFrom(...losses),
    }),
  },
  { weight: 2, arbitrary: fc.constantFrom<Step>({ do: 'reconcile' }, { do: 'deliver' }) },
);

/** A database that dies before a transaction, or after it, before anyone hears of it; or is slow once. */
function dying(
  database: Database<ConnectTables>,
  crash: Crash,
  reconcile: () => Promise<unknown>,
): Database<ConnectTables> {
  if (crash === 'abandoned') {
    let waited: Promise<unknown> | undefined;
    return {
      ...database,
      transact: async (fn, options) => {
        waited ??= reconcile();
        await waited;
        return database.transact(fn, options);
      },
    };
  }
  if (crash !== 'transaction' && crash !== 'committed') return database;
  return {
    ...database,
    transact: async (fn, options) => {
      if (crash === 'committed') await database.transact(fn, options);
      throw new Error('the process died');
    },
  };
}

function faultsOf(crash: Crash): Partial<Record<'register' | 'commit', Fault>> {
  if (crash === 'register') return { register: 'before' };
  if (crash === 'registered') return { register: 'after' };
  if (crash === 'confirm') return { commit: 'before' };
  return crash === 'confirmed' ? { commit: 'after' } : {};
}

describe.each(engines)('references through crashes on %s', (kind) => {
  const service = useTestService(kind);
  afterEach(() => {
    service().config.fault = () => undefined;
    service().runners.fault = () => undefined;
  });

  type Called = 'config' | 'runners';
  const setFault = (which: Called, fault: (method: string) => Fault) => {
    service()[which].fault = fault;
  };

  /** As if an hour had passed, in which every registration has been abandoned and every pause has ended. */
  const later = (): Deps => ({ ...service().deps, now: () => new Date(Date.now() + 3_600_000) });
  const deliver = async () => {
    await service()
      .database.query.updateTable('reference_outbox')
      .set({ attempt_time: sql<Date>`now()` })
      .execute();
    await deliverDueReferences(service().deps);
  };

  const rowsOf = ({ uid }: TestOrganization) =>
    service()
      .database.query.selectFrom('connection')
      .selectAll()
      .where('organization_uid', '=', uid)
      .execute();
  /** What each of the services has to know at least, and in the end exactly. */
  const services = [
    {
      owners: () => service().config.owners,
      committed: async (organization: TestOrganization) =>
        new Map(
          (await rowsOf(organization)).map((row) => [
            row.uid,
            new Set(referencesOfRow(row).map(referenceKey)),
          ]),
        ),
    },
    {
      owners: () => service().runners.owners,
      committed: async (organization: TestOrganization) =>
        new Map((await rowsOf(organization)).map((row) => [row.uid, new Set(runnersOfRow(row))])),
    },
  ];
  const registeredIn = (owners: ReadonlyMap<string, RegisteredOwner>, { uid }: TestOrganization) =>
    [...owners.values()].filter(({ organizationUid }) => organizationUid === uid);
  const registered = (organization: TestOrganization) => registeredIn(service().config.owners, organization);

  const expectCovered = async (organization: TestOrganization) => {
    for (const { owners, committed } of services) {
      for (const [uid, references] of await committed(organization)) {
        const covered = owners().get(uid)?.references ?? new Set();
        expect([...references.difference(covered)]).toEqual([]);
      }
    }
  };

  /** Whatever is unfinished is finished: now nothing is registered that is not committed, and nothing waits. */
  const expectSettled = async (organization: TestOrganization) => {
    await deliver();
    await reconcileReferences(later());
    for (const { owners, committed } of services) {
      const expected = await committed(organization);
      for (const { owner, confirmed, references } of registeredIn(owners(), organization)) {
        expect(confirmed).toBe(true);
        expect(references).toEqual(expected.get(owner.uid) ?? new Set());
      }
    }
    expect(await service().database.query.selectFrom('reference_outbox').selectAll().execute()).toEqual([]);
  };

  const connectionWith = (slug: string, { secrets: [id, key], runner }: Content) =>
    id === undefined || key === undefined
      ? awsConnection(slug, { authMode: AuthMode.RUNNER, runner: runner || 'r0' })
      : awsConnection(slug, { accessKeyId: { secret: id }, secretAccessKey: { secret: key }, runner });

  const prepare = async (): Promise<TestOrganization> => {
    const organization = await service().newOrganization();
    const { slug: org } = organization;
    for (const secret of SECRETS) service().config.secrets.set(`${org}/${secret}`, { value: 'x' });
    for (const runner of RUNNERS) service().runners.addRunner(org, runner);
    return organization;
  };

  async function take(organization: TestOrganization, step: Step): Promise<void> {
    const { slug: org } = organization;
    if (step.do === 'reconcile') return void (await reconcileReferences(later()));
    if (step.do === 'deliver') return deliver();
    const faults = faultsOf(step.crash);
    const faultOf = (method: string) =>
      method === 'register' || method === 'commit' ? faults[method] : undefined;
    const { deps, config, runners } = service();
    if (step.loss !== 'runner') config.fault = faultOf;
    if (step.loss !== 'config') runners.fault = faultOf;
    const client = await service().clientWith(
      { ...deps, database: dying(deps.database, step.crash, () => reconcileReferences(later())) },
      organization,
    );
    const change =
      step.do === 'delete'
        ? client.deleteConnection({ org, connection: step.slug })
        : client.applyConnection({ org, connection: connectionWith(step.slug, step) });
    const rival = connectionWith(step.slug, { secrets: ['s3', 's0'], runner: 'r1' });
    const rivals =
      step.do === 'race'
        ? [organization.admin.applyConnection({ org, connection: rival }), reconcileReferences(later())]
        : [];
    await Promise.allSettled([change, ...rivals]);
    config.fault = () => undefined;
    runners.fault = () => undefined;
  }

  test('what is committed is always registered, and in the end nothing else is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 7 }), async (sequence) => {
        const organization = await prepare();
        for (const step of sequence) {
          await take(organization, step);
          await expectCovered(organization);
        }
        await expectSettled(organization);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test('an apply that was taken for dead starts again instead of committing what is no longer registered', async () => {
    const organization = await prepare();
    const { admin, slug: org } = organization;
    const first = connectionWith('a', { secrets: ['s0', 's1'], runner: 'r0' });
    await admin.applyConnection({ org, connection: first });

    const { deps, database, runners } = service();
    let fenced = false;
    const slow: Database<ConnectTables> = {
      ...database,
      transact: async (fn, options) => {
        if (!fenced) {
          fenced = true;
          expect(await reconcileReferences(later())).toBeGreaterThan(0);
        }
        return database.transact(fn, options);
      },
    };
    const client = await service().clientWith({ ...deps, database: slow }, organization);
    const registrations = () => runners.calls.filter((method) => method === 'register').length;
    const before = registrations();
    const second = connectionWith('a', { secrets: ['s2', 's3'], runner: 'r1' });
    await client.applyConnection({ org, connection: second });
    expect(registrations() - before).toBe(2);
    await expectCovered(organization);
    await expectSettled(organization);
    const { revisions } = await admin.listConnectionRevisions({ org, connection: 'a' });
    expect(revisions.map(({ revision }) => revision)).toEqual([2, 1]);
  });

  test.each<Called>(['config', 'runners'])(
    'without %s an apply that needs it is refused, and stores nothing',
    async (which) => {
      const organization = await prepare();
      const { admin, slug: org } = organization;
      setFault(which, () => 'before');
      const connection = connectionWith('a', { secrets: ['s0', 's1'], runner: 'r0' });
      const error = await refusalOf(admin.applyConnection({ org, connection }));
      expect(error.kind).toBe('unavailable');
      expect(await rowsOf(organization)).toEqual([]);
    },
  );

  test('a connection without a runner needs nothing of the runner gateway', async () => {
    const { admin, slug: org } = await prepare();
    service().runners.fault = () => 'before';
    const { connection } = await admin.applyConnection({ org, connection: awsConnection('a') });
    expect(service().runners.owners.has(awsOf(connection).metadata?.uid ?? '')).toBe(false);
    await admin.deleteConnection({ org, connection: 'a' });
    expect(await service().database.query.selectFrom('reference_outbox').selectAll().execute()).toEqual([]);
  });

  test.each<[Called, Called]>([
    ['config', 'runners'],
    ['runners', 'config'],
  ])('what %s does not hear now it hears later, and %s does not wait', async (lost, other) => {
    const organization = await prepare();
    const { admin, slug: org } = organization;
    setFault(lost, (method) => (method === 'commit' || method === 'list' ? 'before' : undefined));
    const content = { secrets: ['s0', 's1'], runner: 'r0' };
    const { connection } = await admin.applyConnection({ org, connection: connectionWith('a', content) });
    const uid = awsOf(connection).metadata?.uid ?? '';
    expect(service()[other].owners.get(uid)?.confirmed).toBe(true);
    expect(service()[lost].owners.get(uid)?.confirmed).toBe(false);
    await reconcileReferences(later());
    await deliver();
    expect(service()[lost].owners.get(uid)?.confirmed).toBe(false);
    setFault(lost, () => undefined);
    await expectSettled(organization);
    expect(service()[lost].owners.get(uid)?.confirmed).toBe(true);
  });

  test('a release that was not heard is not lost by a change that concerns only the other service', async () => {
    const organization = await prepare();
    const { admin, slug: org } = organization;
    const withRunner = connectionWith('a', { secrets: ['s0', 's1'], runner: 'r0' });
    const { connection } = await admin.applyConnection({ org, connection: withRunner });
    const uid = awsOf(connection).metadata?.uid ?? '';
    service().runners.fault = (method) => (method === 'commit' ? 'before' : undefined);
    const withoutRunner = (id: string) => connectionWith('a', { secrets: [id, 's1'], runner: '' });
    await admin.applyConnection({ org, connection: withoutRunner('s0') });
    await admin.applyConnection({ org, connection: withoutRunner('s2') });
    expect(service().runners.owners.get(uid)?.references.size).toBe(1);
    service().runners.fault = () => undefined;
    await deliver();
    expect(service().runners.owners.get(uid)?.references.size).toBe(0);
    await expectSettled(organization);
  });

  test('one owner that cannot be settled does not hold up the others', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    service().config.fault = (method) => (method === 'commit' ? 'before' : undefined);
    for (const name of ['a', 'b']) await admin.applyConnection({ org, connection: awsConnection(name) });
    let calls = 0;
    service().config.fault = (method) => (method === 'commit' && calls++ === 0 ? 'before' : undefined);
    await deliver();
    expect(registered(organization).filter(({ confirmed }) => confirmed)).toHaveLength(1);
    service().config.fault = () => undefined;
    await deliver();
    expect(registered(organization).filter(({ confirmed }) => confirmed)).toHaveLength(2);
  });
});
