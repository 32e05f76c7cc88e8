import { Permission } from '@planton/api/common/v1/access';
import { denied, hasPermission, type Membership, missing, type ServiceCaller } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { type RunnerRow, runnerRevoked } from '../runners/runner.ts';
import { checkOwner } from './reference.ts';
import {
  addTargets,
  listTargets,
  lockOwner,
  lockTargets,
  type OwnerIdentity,
  reviseOwner,
} from './reference-store.ts';

/**
 * Adds references before the owner commits them; what was registered stays. The runners are locked against deletion meanwhile. With
 * `validateOnly` everything is checked and nothing is written, not even the owner.
 *
 * @returns uids of the runners, in the order of the slugs
 * @throws `ACTOR_MISSING`, `PERMISSION_DENIED`, `RUNNERS_NOT_FOUND`, `RUNNER_REVOKED` for one that the owner does not use yet
 */
export async function registerReferences(
  { database, newUid }: Deps,
  { actor, service }: ServiceCaller,
  owner: OwnerIdentity,
  revision: number,
  slugs: readonly string[],
  { validateOnly }: { readonly validateOnly: boolean },
): Promise<string[]> {
  if (!actor?.membership) {
    throw denied('ACTOR_MISSING', `${service} may register references only in the name of someone`);
  }
  checkMayUse(actor.membership);
  const { organization } = actor.membership;

  return database.transact(async (tx) => {
    const stored = validateOnly ? undefined : await lockOwner(tx, owner);
    if (stored) checkOwner(stored, owner, revision);
    const found = findAll(
      await lockTargets(tx, organization.uid, [...new Set(slugs)]),
      slugs,
      organization.slug,
    );
    const before = await listTargets(tx, owner.uid);
    const added = [...new Set(found)].filter(({ uid }) => !before.has(uid));
    const revoked = added.find(({ revoke_time }) => revoke_time !== null);
    if (revoked) throw runnerRevoked(revoked.slug);

    const uids = found.map(({ uid }) => uid);
    if (!stored) return uids;
    await addTargets(
      tx,
      owner.uid,
      added.map(({ uid }) => uid),
    );
    await reviseOwner(tx, owner, revision, Math.min(stored.confirmed_revision, revision - 1));
    for (const { uid, slug } of added) {
      await recordAudit(
        tx,
        newUid(),
        { organizationUid: organization.uid, caller: actor },
        {
          action: 'runner.use',
          resource: { kind: 'runner', uid, slug },
          details: { owner_kind: owner.kind, owner_slug: owner.slug, owner_uid: owner.uid },
        },
      );
    }
    return uids;
  });
}

function checkMayUse(membership: Membership): void {
  if (hasPermission(membership, Permission.CONNECTION_WRITE)) return;
  const { role, organization } = membership;
  throw denied(
    'PERMISSION_DENIED',
    `your role ${role} in ${organization.slug} does not include connection_write`,
    {
      hint: 'ask an owner or admin of the organisation; planton auth whoami shows your roles',
      metadata: { org: organization.slug, role, permission: 'connection_write' },
    },
  );
}

/** The runners in the order of the slugs; everything that is missing goes into one error. */
function findAll(
  runners: ReadonlyMap<string, RunnerRow>,
  slugs: readonly string[],
  organization: string,
): RunnerRow[] {
  const violations = slugs.flatMap((slug, index) =>
    runners.has(slug)
      ? []
      : {
          field: `runners[${index}]`,
          message: `runner "${slug}" does not exist in organisation "${organization}"`,
        },
  );
  if (violations.length === 0) return slugs.flatMap((slug) => runners.get(slug) ?? []);
  const first = slugs.find((slug) => !runners.has(slug));
  throw missing('RUNNERS_NOT_FOUND', [...new Set(violations.map(({ message }) => message))].join('; '), {
    hint: `planton runner register --name ${first}`,
    metadata: { count: String(violations.length) },
    violations,
  });
}
