import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  RotateOrganizationKeyRequest,
  RotateOrganizationKeyResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { isForeignKeyViolation } from '@planton/database';
import { KeyringError, type WrappedOrganizationKey } from '@planton/keyring';
import { type OrganizationCaller, organizationCallerOf, state } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import {
  deleteUnusedKeys,
  insertOrganizationKey,
  KEY_IN_USE,
  listOldDataKeys,
  listOrganizationKeys,
  replaceDataKeys,
  type StoredDataKey,
} from './key-store.ts';
import {
  ensureOrganizationKeys,
  type OrganizationKeys,
  withOrganizationKeys,
} from './open-organization-keys.ts';

const BATCH = 200;

/**
 * A new key wraps what is written from now on; then the data keys follow in batches, each replaced only if it is still as it was
 * read, so nothing waits. Writers that began before may still add data keys under the old key: the foreign key keeps that one until
 * a pass finds none, and refuses them afterwards.
 */
export function rotateOrganizationKey(deps: Deps) {
  return async (
    _request: RotateOrganizationKeyRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof RotateOrganizationKeyResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    await startRotation(deps, caller);

    const damaged = new Map<string, StoredDataKey>();
    let rewrapped = 0;
    let keyVersion = 0;
    for (let finished = false; !finished; ) {
      const pass = await withOrganizationKeys(deps, organization.uid, (keys) =>
        rewrapDataKeys(deps, organization.uid, keys, damaged),
      );
      rewrapped += pass.rewrapped;
      keyVersion = pass.target;
      const retired = pass.rewrapped === 0 && (await retireKeys(deps, caller, keyVersion));
      finished = retired || (pass.rewrapped === 0 && damaged.size > 0);
    }
    deps.keyring.forgetOrganizationKeys();
    if (damaged.size > 0) throw await reportDamage(deps, caller, [...damaged.values()]);
    return { keyVersion, rewrappedDataKeys: rewrapped };
  };
}

/** Makes the next key, unless an earlier rotation was interrupted and has to be finished. */
async function startRotation(deps: Deps, caller: OrganizationCaller): Promise<void> {
  const { organization } = caller.membership;
  const [only, ...others] = await ensureOrganizationKeys(deps, organization.uid);
  if (only === undefined || others.length > 0) return;
  const next: WrappedOrganizationKey = await deps.keyring.createOrganizationKey(
    organization.uid,
    only.version + 1,
  );
  await deps.database.transact(async (tx) => {
    if (!(await insertOrganizationKey(tx, organization.uid, next))) return;
    await recordAudit(tx, organization.uid, caller, [
      { action: 'organization_key.rotate', resource: resourceOf(caller), version: next.version },
    ]);
  });
}

/** One pass over the data keys that an older key wraps. */
async function rewrapDataKeys(
  { database, keyring }: Deps,
  organization: string,
  keys: OrganizationKeys,
  damaged: Map<string, StoredDataKey>,
): Promise<{ readonly target: number; readonly rewrapped: number }> {
  const target = keys.current.version;
  let rewrapped = 0;
  for (let after = ''; ; ) {
    const batch = await listOldDataKeys(database.query, organization, target, after, BATCH);
    const fresh = batch.flatMap((stored) => {
      const { versionUid, secretUid, keyVersion, wrapped } = stored;
      const place = { organization, secret: secretUid, version: versionUid };
      const from = keys.ofVersion(keyVersion);
      try {
        return {
          versionUid,
          from: keyVersion,
          wrapped: keyring.rewrapDataKey(from, keys.current, place, wrapped),
        };
      } catch (error) {
        if (!(error instanceof KeyringError)) throw error;
        damaged.set(versionUid, stored);
        return [];
      }
    });
    rewrapped += await replaceDataKeys(database.query, target, fresh);
    after = batch.at(-1)?.versionUid ?? '';
    if (batch.length < BATCH) return { target, rewrapped };
  }
}

/** @returns whether only the new key is left: a writer may have brought an old one into use again */
async function retireKeys({ database }: Deps, caller: OrganizationCaller, below: number): Promise<boolean> {
  const { organization } = caller.membership;
  try {
    return await database.transact(async (tx) => {
      const versions = await deleteUnusedKeys(tx, organization.uid, below);
      await recordAudit(
        tx,
        organization.uid,
        caller,
        versions.map((version) => ({
          action: 'organization_key.retire',
          resource: resourceOf(caller),
          version,
        })),
      );
      const [oldest] = await listOrganizationKeys(tx, organization.uid);
      return oldest?.version === below;
    });
  } catch (error) {
    if (isForeignKeyViolation(error, KEY_IN_USE)) return false;
    throw error;
  }
}

async function reportDamage(deps: Deps, caller: OrganizationCaller, damaged: readonly StoredDataKey[]) {
  const { organization } = caller.membership;
  await recordAudit(
    deps.database.query,
    organization.uid,
    caller,
    damaged.map(({ secretUid, slug, version }) => ({
      action: 'organization_key.rotate',
      resource: { kind: 'secret', uid: secretUid, slug },
      version,
      outcome: 'failed',
      details: { reason: 'SECRET_DAMAGED' },
    })),
  );
  const names = damaged.slice(0, 10).map(({ slug, version }) => `"${slug}" version ${version}`);
  return state(
    'SECRET_DAMAGED',
    `the data keys of ${damaged.length} secret versions do not decrypt and stay under the old key: ${names.join(', ')}`,
    {
      hint: 'everything else was rotated; restore the named rows from a backup, or destroy those versions',
      metadata: { count: String(damaged.length) },
    },
  );
}

function resourceOf({ membership: { organization } }: OrganizationCaller) {
  return { kind: 'organization_key', uid: organization.uid, slug: organization.slug };
}
