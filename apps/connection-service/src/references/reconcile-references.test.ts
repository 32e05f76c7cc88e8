import type { Database } from '@planton/database';
import { engines } from '@planton/database/testing';
import fc from 'fast-check';
import { sql } from 'kysely';
import { afterEach, describe, expect, test } from 'vitest';
import type { Deps } from '../deps.ts';
import type { ConnectTables } from '../schema.ts';
import type { Fault } from '../testing/fake-config-manager.ts';
import {
  awsConnection,
  refusalOf,
  type TestOrganization,
  useTestService,
} from '../testing/use-test-service.ts';
import { deliverDueReferences } from './deliver-references.ts';
import { referencesOfRow } from './fence-store.ts';
import { reconcileReferences } from './reconcile-references.ts';
import { referenceKey } from './reference.ts';

const SECRETS = ['s0', 's1', 's2', 's3'];

/** Where the service or config-manager dies; `abandoned` is an apply that lives but was taken for dead just before it commits. */
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

type Step =
  | {
      readonly do: 'apply' | 'race';
      readonly slug: string;
      readonly secrets: readonly string[];
      readonly crash: Crash;
    }
  | { readonly do: 'delete'; readonly slug: string; readonly crash: Crash }
  | { readonly do: 'reconcile' }
  | { readonly do: 'deliver' };

const slugs = fc.constantFrom('a', 'b');
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('apply' as const, 'race' as const),
      slug: slugs,
      secrets: fc.tuple(fc.constantFrom(...SECRETS), fc.constantFrom(...SECRETS)),
      crash: fc.constantFrom(...crashes),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('delete' as const),
      slug: slugs,
      crash: fc.constantFrom(...crashes),
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
    service().config.beforeRegister = async () => {};
  });

  /** As if an hour had passed, in which every registration has been abandoned and every pause has ended. */
  const later = (): Deps => ({ ...service().deps, now: () => new Date(Date.now() + 3_600_000) });
  const deliver = async () => {
    await service()
      .database.query.updateTable('reference_outbox')
      .set({ attempt_time: sql<Date>`now()` })
      .execute();
    await deliverDueReferences(service().deps);
  };

  const committed = async ({ uid }: TestOrganization) => {
    const rows = await service()
      .database.query.selectFrom('connection')
      .selectAll()
      .where('organization_uid', '=', uid)
      .execute();
    return new Map(rows.map((row) => [row.uid, new Set(referencesOfRow(row).map(referenceKey))]));
  };
  const registered = ({ uid }: TestOrganization) =>
    [...service().config.owners.values()].filter(({ organizationUid }) => organizationUid === uid);

  const expectCovered = async (organization: TestOrganization) => {
    for (const [uid, references] of await committed(organization)) {
      const covered = service().config.owners.get(uid)?.references ?? new Set();
      expect([...references.difference(covered)]).toEqual([]);
    }
  };

  const connectionWith = (slug: string, [id = '', key = '']: readonly string[]) =>
    awsConnection(slug, { accessKeyId: { secret: id }, secretAccessKey: { secret: key } });

  async function take(organization: TestOrganization, step: Step): Promise<void> {
    const { slug: org } = organization;
    if (step.do === 'reconcile') return void (await reconcileReferences(later()));
    if (step.do === 'deliver') return deliver();
    const faults = faultsOf(step.crash);
    service().config.fault = (method) =>
      method === 'register' || method === 'commit' ? faults[method] : undefined;
    const { deps } = service();
    const client = await service().clientWith(
      { ...deps, database: dying(deps.database, step.crash, () => reconcileReferences(later())) },
      organization,
    );
    const change =
      step.do === 'delete'
        ? client.deleteConnection({ org, connection: step.slug })
        : client.applyConnection({ org, connection: connectionWith(step.slug, step.secrets) });
    const rivals =
      step.do === 'race'
        ? [
            organization.admin.applyConnection({ org, connection: connectionWith(step.slug, ['s3', 's0']) }),
            reconcileReferences(later()),
          ]
        : [];
    await Promise.allSettled([change, ...rivals]);
    service().config.fault = () => undefined;
  }

  test('what is committed is always registered, and in the end nothing else is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 1, maxLength: 7 }), async (sequence) => {
        const organization = await service().newOrganization();
        for (const secret of SECRETS)
          service().config.secrets.set(`${organization.slug}/${secret}`, { value: 'x' });
        for (const step of sequence) {
          await take(organization, step);
          await expectCovered(organization);
        }
        await deliver();
        await reconcileReferences(later());
        const expected = await committed(organization);
        for (const { owner, confirmed, references } of registered(organization)) {
          expect(confirmed).toBe(true);
          expect(references).toEqual(expected.get(owner.uid) ?? new Set());
        }
        expect(await service().database.query.selectFrom('reference_outbox').selectAll().execute()).toEqual(
          [],
        );
      }),
      { numRuns: 20 },
    );
  }, 60_000);

  test('an apply that was taken for dead starts again instead of committing what is no longer registered', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    for (const secret of SECRETS) service().config.secrets.set(`${org}/${secret}`, { value: 'x' });
    await admin.applyConnection({ org, connection: connectionWith('a', ['s0', 's1']) });

    const { deps, database, config } = service();
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
    const before = config.calls.filter((method) => method === 'register').length;
    await client.applyConnection({ org, connection: connectionWith('a', ['s2', 's3']) });
    expect(config.calls.filter((method) => method === 'register').length - before).toBe(2);
    await expectCovered(organization);
    const { revisions } = await admin.listConnectionRevisions({ org, connection: 'a' });
    expect(revisions.map(({ revision }) => revision)).toEqual([2, 1]);
  });

  test('config-manager that is away refuses an apply with references, and stores nothing', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    service().config.fault = () => 'before';
    const error = await refusalOf(admin.applyConnection({ org, connection: awsConnection('a') }));
    expect(error.kind).toBe('unavailable');
    expect((await committed(organization)).size).toBe(0);
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
