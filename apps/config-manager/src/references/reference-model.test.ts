import { create } from '@bufbuild/protobuf';
import { ReferencePhase, ReferenceSchema } from '@planton/api/config/v1/reference';
import { engines, useTestEngine } from '@planton/database/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type ConfigManagerClient,
  type Org,
  refusalOf,
  startConfigManager,
  type TestConfigManager,
} from '../testing/start-config-manager.ts';

const SLUGS = ['s0', 's1', 's2'];

/** An owner as its own service stores it: what is committed there is what must stay registered here. */
interface Owner {
  readonly uid: string;
  readonly slug: string;
  committed: readonly string[];
  /** Registered and not yet decided; a crash leaves it behind. */
  pending: readonly string[] | undefined;
  /** Highest revision registered. */
  revision: number;
}

interface World {
  readonly config: TestConfigManager;
  readonly org: Org;
  readonly client: ConfigManagerClient;
  readonly service: ConfigManagerClient;
  readonly owners: readonly [Owner, Owner];
}

type SecretStep = { readonly kind: 'delete' | 'make'; readonly slug: string };
type OwnerStep = {
  readonly kind: 'register' | 'commit' | 'crash' | 'reconcile' | 'replay';
  readonly owner: 0 | 1;
  readonly slugs: readonly string[];
};
type Step = SecretStep | OwnerStep;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record<OwnerStep>({
    kind: fc.constantFrom('register', 'register', 'commit', 'crash', 'reconcile', 'replay'),
    owner: fc.constantFrom(0, 1),
    slugs: fc.subarray(SLUGS),
  }),
  fc.record<SecretStep>({ kind: fc.constantFrom('delete', 'make'), slug: fc.constantFrom(...SLUGS) }),
);

async function send(
  { service, org }: World,
  owner: Owner,
  phase: ReferencePhase,
  slugs: readonly string[],
  revision = owner.revision,
) {
  await service.setReferences({
    org: org.slug,
    organizationUid: org.uid,
    owner: { kind: 'AwsProviderConnection', uid: owner.uid, slug: owner.slug },
    revision,
    references: slugs.map((slug) =>
      create(ReferenceSchema, { target: { case: 'secret', value: { slug, key: 'value' } } }),
    ),
    phase,
  });
}

function take(world: World, next: Step): Promise<void> {
  return 'owner' in next ? takeOwnerStep(world, next) : takeSecretStep(world, next);
}

async function takeSecretStep(world: World, next: SecretStep): Promise<void> {
  const { client, org } = world;
  if (next.kind === 'make') {
    await client.setSecret({ org: org.slug, slug: next.slug, entries: { value: '1' } });
    return;
  }
  const inUse = world.owners.some(({ committed }) => committed.includes(next.slug));
  const gone = await client.deleteSecret({ org: org.slug, slug: next.slug }).then(
    () => true,
    () => false,
  );
  expect(gone && inUse).toBe(false);
}

async function takeOwnerStep(world: World, next: OwnerStep): Promise<void> {
  const { client, org } = world;
  const owner = world.owners[next.owner];
  if (next.kind === 'register') {
    owner.pending = undefined;
    const revision = owner.revision + 1;
    const { secrets } = await client.listSecrets({ org: org.slug });
    const missing = next.slugs.filter((slug) => !secrets.some((secret) => secret.slug === slug));
    const registered = send(world, owner, ReferencePhase.REGISTER, next.slugs, revision);
    if (missing.length > 0) expect((await refusalOf(registered)).violations).toHaveLength(missing.length);
    else {
      await registered;
      owner.pending = next.slugs;
      owner.revision = revision;
    }
    return;
  }
  if (next.kind === 'crash') owner.pending = undefined;
  if (next.kind === 'commit' && owner.pending) {
    // First in the owner's database; the message after it may be sent now, twice, or lost until somebody reconciles.
    owner.committed = owner.pending;
    owner.pending = undefined;
    if (next.slugs.length > 0) await send(world, owner, ReferencePhase.COMMIT, owner.committed);
    if (next.slugs.length > 1) await send(world, owner, ReferencePhase.COMMIT, owner.committed);
  }
  if (next.kind === 'reconcile' && owner.revision > 0) {
    owner.pending = undefined;
    await send(world, owner, ReferencePhase.COMMIT, owner.committed);
  }
  if (next.kind === 'replay' && owner.revision > 1) {
    await send(world, owner, ReferencePhase.COMMIT, [], owner.revision - 1).catch(async (error) => {
      expect(await refusalOf(Promise.reject(error))).toMatchObject({ reason: 'REFERENCE_REVISION_STALE' });
    });
  }
}

/** Slugs of the living secrets that cannot be deleted because of the owner. */
async function registeredOf({ config }: World, owner: Owner): Promise<string[]> {
  const rows = await config.database.query
    .selectFrom('reference as r')
    .innerJoin('secret as s', 's.uid', 'r.target_uid')
    .select('s.slug')
    .where('r.owner_uid', '=', owner.uid)
    .where('s.delete_time', 'is', null)
    .orderBy('s.slug')
    .execute();
  return rows.map(({ slug }) => slug);
}

describe.each(engines)('the reference protocol on %s', (kind) => {
  const engine = useTestEngine(kind);
  let config: TestConfigManager;
  beforeAll(async () => {
    config = await startConfigManager(engine());
  });
  afterAll(() => config.stop());

  test('what is committed stays registered and alive through any interleaving; reconciling ends in the exact set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const org = config.newOrg();
        const owner = (slug: string): Owner => ({
          uid: crypto.randomUUID(),
          slug,
          committed: [],
          pending: undefined,
          revision: 0,
        });
        const world: World = {
          config,
          org,
          client: await config.as({ org }),
          service: await config.asService('connection-service', { org }),
          owners: [owner('left'), owner('right')],
        };
        for (const slug of SLUGS.slice(0, 2)) await take(world, { kind: 'make', slug });
        for (const next of steps) {
          await take(world, next);
          for (const each of world.owners) {
            expect(await registeredOf(world, each)).toEqual(expect.arrayContaining([...each.committed]));
          }
        }
        for (const each of world.owners) {
          if (each.revision === 0) continue;
          await send(world, each, ReferencePhase.COMMIT, each.committed);
          expect(await registeredOf(world, each)).toEqual([...each.committed].sort());
        }
      }),
      { numRuns: 20 },
    );
  }, 120_000);
});
