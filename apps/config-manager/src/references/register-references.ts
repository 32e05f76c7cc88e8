import { Permission } from '@planton/api/common/v1/access';
import {
  type Caller,
  denied,
  hasPermission,
  type Membership,
  missing,
  state,
  type Violation,
} from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import type { OrganizationService } from '../service-caller.ts';
import { checkOwner } from './check-owner.ts';
import { type Target, targetName, uniqueTargets } from './reference.ts';
import {
  addReferences,
  type LockedTarget,
  listReferences,
  lockOwner,
  lockSecrets,
  lockVariables,
  type OwnerIdentity,
  reviseOwner,
} from './reference-store.ts';

/**
 * Adds references before the owner commits them; what was registered stays. The targets are locked against deletion meanwhile.
 * With `validateOnly` everything is checked and nothing is written, not even the owner. Without an actor an owner can register what
 * was minted for it, and nothing else.
 */
export async function registerReferences(
  { database }: Deps,
  calling: OrganizationService,
  owner: OwnerIdentity,
  revision: number,
  targets: readonly Target[],
  { validateOnly }: { readonly validateOnly: boolean },
): Promise<void> {
  const { organizationUid } = owner;
  const slugsOf = (kind: Target['kind']) => [
    ...new Set(targets.filter((target) => target.kind === kind).map(({ slug }) => slug)),
  ];

  await database.transact(async (tx) => {
    // Whose a slug is can change until it is locked, so the secrets come before all that is decided by it.
    const secrets = await lockSecrets(tx, organizationUid, slugsOf('secret'));
    checkMayUse(calling, owner, targets, secrets);
    const stored = validateOnly ? undefined : await lockOwner(tx, owner);
    if (stored) checkOwner(stored, owner, revision);
    const found = {
      secret: secrets,
      variable: await lockVariables(tx, organizationUid, slugsOf('variable')),
    };
    checkFound(targets, found, calling.actor?.membership?.organization.slug ?? organizationUid);
    checkOwned(secrets, owner);
    if (!stored) return;

    const before = new Set(
      (await listReferences(tx, owner.uid)).map((each) => `${targetName(each)} ${each.uid}`),
    );
    const wanted = uniqueTargets(targets).flatMap((target) => {
      const uid = found[target.kind].get(target.slug)?.uid;
      return uid === undefined ? [] : { ...target, uid };
    });
    const added = wanted.filter((each) => !before.has(`${targetName(each)} ${each.uid}`));
    await addReferences(tx, owner.uid, added);
    await reviseOwner(tx, owner, revision, Math.min(stored.confirmed_revision, revision - 1));
    await recordUses(tx, organizationUid, calling.caller, owner, added);
  });
}

/**
 * Who lets a connection use a secret is asked for `secret.use`: else a connection would hand out what its maker may not have. What the
 * server made for the owner itself was never anybody's to give, so nobody is asked. Says nothing about which secrets exist.
 *
 * @throws `ACTOR_MISSING`, `SECRET_USE_DENIED`
 */
function checkMayUse(
  { actor, service }: OrganizationService,
  owner: OwnerIdentity,
  targets: readonly Target[],
  secrets: ReadonlyMap<string, LockedTarget>,
): void {
  const others = targets.filter(({ kind, slug }) => {
    const secret = kind === 'secret' ? secrets.get(slug) : undefined;
    return !secret || !isOwn(secret, owner);
  });
  if (actor?.membership) checkMember(actor.membership, others);
  else if (others.length > 0 || targets.length === 0) {
    throw denied('ACTOR_MISSING', `${service} may register references only in the name of someone`);
  }
}

/** Whether the server made the secret for this very owner. Secrets that are looked at are those of the owner's organisation. */
function isOwn(secret: LockedTarget, owner: OwnerIdentity): boolean {
  return secret.owner_uid === owner.uid && secret.owner_service === owner.service;
}

function checkMember(membership: Membership, others: readonly Target[]): void {
  const slugs = [...new Set(others.filter(({ kind }) => kind === 'secret').map(({ slug }) => slug))];
  if (slugs.length === 0) return;
  if (hasPermission(membership, Permission.SECRET_USE) && membership.environments === 'all') return;
  const names = slugs.map((slug) => `"${slug}"`).join(', ');
  throw denied(
    'SECRET_USE_DENIED',
    `your role ${membership.role} in ${membership.organization.slug} does not let a connection use ${slugs.length === 1 ? 'secret' : 'secrets'} ${names}`,
    {
      hint: 'ask an owner or admin of the organisation; planton auth whoami shows your roles',
      metadata: { role: membership.role, secrets: slugs.join(',') },
    },
  );
}

type Found = Readonly<Record<Target['kind'], ReadonlyMap<string, LockedTarget>>>;

/** Everything that is missing goes into one error. @throws `REFERENCES_NOT_FOUND` */
function checkFound(targets: readonly Target[], found: Found, organization: string): void {
  const violations = targets.flatMap((target, index): Violation[] => {
    const message = describeMissing(target, found[target.kind].get(target.slug), organization);
    return message === undefined ? [] : [{ field: `references[${index}]`, message }];
  });
  const [first] = violations;
  const target = targets.find(({ kind, slug, key }) => {
    const locked = found[kind].get(slug);
    return !locked || (kind === 'secret' && !locked.keys.includes(key));
  });
  if (!first || !target) return;
  throw missing('REFERENCES_NOT_FOUND', [...new Set(violations.map(({ message }) => message))].join('; '), {
    hint: nextCommand(target, found),
    metadata: { count: String(violations.length) },
    violations,
  });
}

function describeMissing(
  { kind, slug, key }: Target,
  locked: LockedTarget | undefined,
  organization: string,
): string | undefined {
  if (!locked) return `${kind} "${slug}" does not exist in organisation "${organization}"`;
  if (kind === 'variable' || locked.keys.includes(key)) return undefined;
  return `secret "${slug}" has no entry "${key}"; it has: ${locked.keys.join(', ')}`;
}

/** All missing entries of the first missing thing in one command. */
function nextCommand({ kind, slug, key }: Target, found: Found): string {
  if (kind === 'variable') return `planton variable set ${slug} …`;
  return `planton secret set ${slug} ${key}=…${found.secret.has(slug) ? ' --merge' : ''}`;
}

/** What the server made for one object is for that object alone. @throws `SECRET_SERVER_OWNED` */
function checkOwned(secrets: ReadonlyMap<string, LockedTarget>, owner: OwnerIdentity): void {
  const foreign = [...secrets.values()].filter(
    (secret) => secret.owner_uid !== null && !isOwn(secret, owner),
  );
  if (foreign.length === 0) return;
  const names = foreign.map(({ slug, owner_kind }) => `secret "${slug}" belongs to another ${owner_kind}`);
  throw state(
    'SECRET_SERVER_OWNED',
    `${names.join('; ')} and cannot be used by ${owner.kind} ${owner.slug}`,
    {
      metadata: { secrets: foreign.map(({ slug }) => slug).join(',') },
    },
  );
}

async function recordUses(
  tx: Parameters<typeof recordAudit>[0],
  organizationUid: string,
  actor: Caller,
  owner: OwnerIdentity,
  added: readonly (Target & { readonly uid: string })[],
): Promise<void> {
  const bySecret = Map.groupBy(
    added.filter(({ kind }) => kind === 'secret'),
    ({ uid }) => uid,
  );
  await recordAudit(
    tx,
    organizationUid,
    actor,
    [...bySecret].map(([uid, uses]) => ({
      action: 'secret.use',
      resource: { kind: 'secret', uid, slug: uses[0]?.slug ?? '' },
      details: {
        owner_kind: owner.kind,
        owner_slug: owner.slug,
        owner_uid: owner.uid,
        entries: uses.map(({ key }) => key).join(','),
      },
    })),
  );
}
