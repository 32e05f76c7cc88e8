import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  SetSecretRequest,
  SetSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { KeyringError } from '@planton/keyring';
import { type OrganizationCaller, organizationCallerOf, type Scope, unavailable } from '@planton/rpc';
import type { Transaction } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { checkEtag } from '../etag.ts';
import { type OrganizationKeys, withOrganizationKeys } from '../keys/open-organization-keys.ts';
import { environmentFlag, levelOf } from '../level.ts';
import type { ConfigTables } from '../schema.ts';
import { limitSecrets, nextVersion } from './limit-secrets.ts';
import { checkSize, type Entries, openVersion, sameEntries, sealVersion } from './seal-version.ts';
import {
  checkNotServerOwned,
  type StoredSecret,
  secretDamaged,
  secretMessage,
  versionDestroyed,
} from './secret.ts';
import { addVersion, describeSecret, insertSecret, lockSecret, readVersion } from './secret-store.ts';

type Tx = Transaction<ConfigTables>;

export function setSecret(deps: Deps) {
  return async (
    request: SetSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof SetSecretResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await deps.scopeOf(context, request.environment, { write: true });
    const given: Entries = new Map(Object.entries(request.entries));
    checkSize(request.slug, given);
    return withOrganizationKeys(deps, scope.organization.uid, (keys) =>
      deps.database.transact((tx) => setEntries(deps, tx, { request, given, scope, caller, keys })),
    );
  };
}

interface Setting {
  readonly request: SetSecretRequest;
  readonly given: Entries;
  readonly scope: Scope;
  readonly caller: OrganizationCaller;
  readonly keys: OrganizationKeys;
}

/** Sealing and opening in here is arithmetic; the keys, which may be a call away, were opened before. */
async function setEntries({ keyring, newUid }: Deps, tx: Tx, setting: Setting) {
  const { request, given, scope, caller, keys } = setting;
  const level = levelOf(scope);
  const found = await lockSecret(tx, level, request.slug);
  checkEtag(request.etag, found, request.slug, `secret get ${request.slug}${environmentFlag(scope)}`);
  const secret = found ?? (await createSecret(tx, scope, request.slug, newUid()));
  checkNotServerOwned(secret);

  const current = await readCurrent(keyring, tx, setting, secret);
  const entries = request.merge ? new Map([...(current ?? []), ...given]) : given;
  checkSize(request.slug, entries);
  if (current && sameEntries(current, entries)) {
    return { secret: secretMessage(secret, [...current.keys()].sort(), scope), changed: false };
  }

  const uid = newUid();
  const place = { organization: level.organizationUid, secret: secret.uid, version: uid };
  const sealed = sealVersion(keyring, keys, place, entries);
  const version = await nextVersion(tx, secret, scope);
  await addVersion(tx, secret, { uid, version, sealed, createdBy: caller.subject.name });
  await recordAudit(tx, level.organizationUid, caller, [
    {
      action: 'secret.set',
      resource: { kind: 'secret', uid: secret.uid, slug: secret.slug },
      environment: scope.environment?.slug ?? '',
      version,
    },
  ]);
  const described = await describeSecret(tx, secret.uid);
  return { secret: secretMessage(described, described.keys, scope), changed: true };
}

/** Somebody may make one, and delete it, between the look and the insert; then the next look decides. */
async function createSecret(tx: Tx, scope: Scope, slug: string, uid: string): Promise<StoredSecret> {
  const level = levelOf(scope);
  for (let attempt = 1; attempt <= 3; attempt++) {
    const made = await insertSecret(tx, level, slug, uid);
    if (made) await limitSecrets(tx, scope);
    const secret = made ?? (await lockSecret(tx, level, slug));
    if (secret) return secret;
  }
  throw unavailable(
    'SECRET_CONTENDED',
    `secret "${slug}" is being made and deleted by others at this moment`,
    {
      hint: 'try again',
    },
  );
}

/**
 * The entries of the current version. A version that was destroyed or does not decrypt differs from everything, so that setting a
 * secret repairs it; merging into it would lose entries without a word, and is refused.
 */
async function readCurrent(keyring: Deps['keyring'], tx: Tx, setting: Setting, secret: StoredSecret) {
  const { keys, request, scope } = setting;
  const stored = await readVersion(tx, secret.uid, secret.current_version);
  if (stored === undefined) return undefined;
  if (stored === 'destroyed') {
    if (request.merge) throw versionDestroyed(secret.slug, secret.current_version, scope);
    return undefined;
  }
  try {
    return openVersion(keyring, keys, { organization: secret.organization_uid, secret: secret.uid }, stored);
  } catch (error) {
    if (!(error instanceof KeyringError)) throw error;
    if (request.merge) throw secretDamaged(secret.slug, stored.version, error);
    return undefined;
  }
}
