import { RegistrationPhase } from '@planton/api/common/v1/reference';
import { engines } from '@planton/database/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type RunnerClient,
  refusalOf,
  type TestOrganization,
  useTestRunners,
} from '../runners/testing/use-test-runners.ts';

const SLUGS = ['r0', 'r1', 'r2'];

/** An owner as its own service stores it: what is committed there is what must stay registered here, by uid. */
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
  readonly organization: TestOrganization;
  readonly service: RunnerClient;
  readonly owners: readonly [Owner, Owner];
}

type RunnerStep = { readonly kind: 'delete' | 'make'; readonly slug: string };
type OwnerStep = {
  readonly kind: 'register' | 'commit' | 'crash' | 'reconcile' | 'replay';
  readonly owner: 0 | 1;
  readonly slugs: readonly string[];
};
type Step = RunnerStep | OwnerStep;

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record<OwnerStep>({
    kind: fc.constantFrom('register', 'register', 'commit', 'crash', 'reconcile', 'replay'),
    owner: fc.constantFrom(0, 1),
    slugs: fc.subarray(SLUGS),
  }),
  fc.record<RunnerStep>({ kind: fc.constantFrom('delete', 'make'), slug: fc.constantFrom(...SLUGS) }),
);

async function send(
  { service, organization }: World,
  owner: Owner,
  phase: RegistrationPhase,
  runners: readonly string[],
  revision = owner.revision,
): Promise<readonly string[]> {
  const { runnerUids } = await service.setRunnerReferences({
    org: organization.slug,
    organizationUid: organization.uid,
    owner: { kind: 'AwsProviderConnection', uid: owner.uid, slug: owner.slug },
    revision,
    runners: [...runners],
    phase,
  });
  return runnerUids;
}

async function living({ organization: { admin, slug } }: World): Promise<Map<string, string>> {
  const { runners } = await admin.listRunners({ org: slug });
  return new Map(runners.map(({ metadata }) => [metadata?.slug ?? '', metadata?.uid ?? '']));
}

async function takeRunnerStep(world: World, next: RunnerStep): Promise<void> {
  const { admin, slug: org, register } = world.organization;
  if (next.kind === 'make') {
    await register(next.slug);
    return;
  }
  const uid = (await living(world)).get(next.slug);
  const inUse = world.owners.some(({ committed }) => uid !== undefined && committed.includes(uid));
  const gone = await admin.deleteRunner({ org, runner: next.slug }).then(
    () => true,
    () => false,
  );
  expect(gone && inUse).toBe(false);
}

async function takeOwnerStep(world: World, next: OwnerStep): Promise<void> {
  const owner = world.owners[next.owner];
  const { REGISTER, COMMIT } = RegistrationPhase;
  if (next.kind === 'register') {
    owner.pending = undefined;
    const revision = owner.revision + 1;
    const there = await living(world);
    const missing = next.slugs.filter((slug) => !there.has(slug));
    const registered = send(world, owner, REGISTER, next.slugs, revision);
    if (missing.length > 0) expect((await refusalOf(registered)).violations).toHaveLength(missing.length);
    else {
      owner.pending = await registered;
      owner.revision = revision;
    }
    return;
  }
  if (next.kind === 'crash') owner.pending = undefined;
  if (next.kind === 'commit' && owner.pending) {
    // First in the owner's database; the message after it may be sent now, twice, or lost until somebody reconciles.
    owner.committed = owner.pending;
    owner.pending = undefined;
    for (let times = 0; times < next.slugs.length; times++) await send(world, owner, COMMIT, owner.committed);
  }
  if (next.kind === 'reconcile' && owner.revision > 0) {
    owner.pending = undefined;
    await send(world, owner, COMMIT, owner.committed);
  }
  if (next.kind === 'replay' && owner.revision > 1) {
    expect(await refusalOf(send(world, owner, COMMIT, [], owner.revision - 1))).toMatchObject({
      reason: 'REFERENCE_REVISION_STALE',
    });
  }
}

describe.each(engines)('the protocol of runner references on %s', (kind) => {
  const runners = useTestRunners(kind);

  /** Uids of the runners that cannot be deleted because of the owner. */
  const registeredOf = async (owner: Owner): Promise<string[]> => {
    const rows = await runners()
      .database.query.selectFrom('runner_reference as f')
      .innerJoin('runner as r', 'r.uid', 'f.runner_uid')
      .select('r.uid')
      .where('f.owner_uid', '=', owner.uid)
      .execute();
    return rows.map(({ uid }) => uid).toSorted();
  };

  test('what is committed stays registered and alive through any interleaving; reconciling ends in the exact set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const organization = await runners().newOrganization();
        const { uid, slug } = organization;
        const owner = (name: string): Owner => ({
          uid: crypto.randomUUID(),
          slug: name,
          committed: [],
          pending: undefined,
          revision: 0,
        });
        const world: World = {
          organization,
          service: await runners().asService('connection-service', { org: { uid, slug }, role: 'admin' }),
          owners: [owner('left'), owner('right')],
        };
        for (const made of SLUGS.slice(0, 2)) await takeRunnerStep(world, { kind: 'make', slug: made });
        for (const next of steps) {
          if ('owner' in next) await takeOwnerStep(world, next);
          else await takeRunnerStep(world, next);
          for (const each of world.owners) {
            expect(await registeredOf(each)).toEqual(expect.arrayContaining([...each.committed]));
          }
        }
        for (const each of world.owners) {
          if (each.revision === 0) continue;
          await send(world, each, RegistrationPhase.COMMIT, each.committed);
          expect(await registeredOf(each)).toEqual([...each.committed].toSorted());
        }
      }),
      { numRuns: 15 },
    );
  });
});
