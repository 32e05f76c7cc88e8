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

/** What people have, and what the server mints for either owner; people may take the latter, too, while nobody else has them. */
const SLUGS = ['s0', 's1', 's2', 'e0', 'e1'];
const MINTED = ['e0', 'e1'] as const;
const KIND = 'AwsProviderConnection';

/** An owner as its own service stores it: what is committed there is what must stay registered here. */
interface Owner {
  readonly uid: string;
  readonly slug: string;
  committed: readonly string[];
  /** Registered and not yet decided; a crash leaves it behind. */
  pending: readonly string[] | undefined;
  /** Highest revision registered. */
  revision: number;
  /** Uid of the living secret that was minted for it, under its slug of `MINTED`. */
  minted: string | undefined;
}

interface World {
  readonly config: TestConfigManager;
  readonly org: Org;
  readonly client: ConfigManagerClient;
  readonly service: ConfigManagerClient;
  /** The same service in its own name. */
  readonly alone: ConfigManagerClient;
  readonly owners: readonly [Owner, Owner];
}

type SecretStep = { readonly kind: 'delete' | 'make'; readonly slug: string };
type OwnerStep = {
  readonly kind: 'register' | 'commit' | 'crash' | 'reconcile' | 'replay' | 'mint' | 'retire';
  readonly owner: 0 | 1;
  readonly slugs: readonly string[];
};
type Step = SecretStep | OwnerStep;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record<OwnerStep>({
    kind: fc.constantFrom('register', 'register', 'commit', 'crash', 'reconcile', 'replay', 'mint', 'retire'),
    owner: fc.constantFrom(0, 1),
    slugs: fc.oneof(fc.subarray(SLUGS), fc.constantFrom(['e0'], ['e1'])),
  }),
  fc.record<SecretStep>({ kind: fc.constantFrom('delete', 'make'), slug: fc.constantFrom(...SLUGS) }),
);

/** The slugs that are server-owned, by whose they are. */
function ownedSlugs({ owners }: World): ReadonlyMap<string, Owner> {
  return new Map(owners.flatMap((owner, i) => (owner.minted ? [[MINTED[i] ?? '', owner] as const] : [])));
}

async function send(
  world: World,
  owner: Owner,
  phase: ReferencePhase,
  slugs: readonly string[],
  revision = owner.revision,
) {
  const { org, service, alone } = world;
  const owned = ownedSlugs(world);
  const own = slugs.length > 0 && slugs.every((slug) => owned.get(slug) === owner);
  await (own ? alone : service).setReferences({
    org: org.slug,
    organizationUid: org.uid,
    owner: { kind: KIND, uid: owner.uid, slug: owner.slug },
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
  if (ownedSlugs(world).has(next.slug)) {
    const refused =
      next.kind === 'make'
        ? client.setSecret({ org: org.slug, slug: next.slug, entries: { value: '1' } })
        : client.deleteSecret({ org: org.slug, slug: next.slug });
    expect(await refusalOf(refused)).toMatchObject({ reason: 'SECRET_SERVER_OWNED' });
    return;
  }
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

/** An owner's service mints where the slug is free, and retires only what its owner neither has committed nor is about to. */
async function takeMintedStep({ client, alone, org, owners }: World, next: OwnerStep): Promise<void> {
  const owner = owners[next.owner];
  const slug = MINTED[next.owner];
  if (next.kind === 'mint') {
    const { secrets } = await client.listSecrets({ org: org.slug });
    if (secrets.some((secret) => secret.slug === slug)) return;
    const secretUid = crypto.randomUUID();
    const { uid } = owner;
    const request = {
      organizationUid: org.uid,
      secretUid,
      owner: { kind: KIND, uid, slug: owner.slug },
      slug,
    };
    expect(await alone.mintOwnedSecret(request)).toMatchObject({ slug, created: true });
    owner.minted = secretUid;
    return;
  }
  if (owner.minted === undefined || [...owner.committed, ...(owner.pending ?? [])].includes(slug)) return;
  const secretUid = owner.minted;
  await alone.retireOwnedSecret({ organizationUid: org.uid, secretUid, ownerUid: owner.uid });
  owner.minted = undefined;
}

async function takeOwnerStep(world: World, next: OwnerStep): Promise<void> {
  const { client, org } = world;
  const owner = world.owners[next.owner];
  if (next.kind === 'mint' || next.kind === 'retire') return takeMintedStep(world, next);
  if (next.kind === 'register') {
    owner.pending = undefined;
    const revision = owner.revision + 1;
    const { secrets } = await client.listSecrets({ org: org.slug });
    const missing = next.slugs.filter((slug) => !secrets.some((secret) => secret.slug === slug));
    const registered = send(world, owner, ReferencePhase.REGISTER, next.slugs, revision);
    const owned = ownedSlugs(world);
    const foreign = next.slugs.filter((slug) => owned.has(slug) && owned.get(slug) !== owner);
    if (missing.length > 0) expect((await refusalOf(registered)).violations).toHaveLength(missing.length);
    else if (foreign.length > 0) {
      expect(await refusalOf(registered)).toMatchObject({
        reason: 'SECRET_SERVER_OWNED',
        metadata: { secrets: foreign.join(',') },
      });
    } else {
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
          minted: undefined,
        });
        const world: World = {
          config,
          org,
          client: await config.as({ org }),
          service: await config.asService('connection-service', { org }),
          alone: await config.asService('connection-service'),
          owners: [owner('left'), owner('right')],
        };
        for (const slug of SLUGS.slice(0, 3)) await take(world, { kind: 'make', slug });
        for (const owner of [0, 1] as const) await take(world, { kind: 'mint', owner, slugs: [] });
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
