import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  type Secret,
  SecretSchema,
  type SecretVersion,
  SecretVersionSchema,
  SecretVersionState,
} from '@planton/api/config/v1/secret';
import { type DomainError, internal, missing, type Scope, state } from '@planton/rpc';
import type { Selectable } from 'kysely';
import { etagOf } from '../etag.ts';
import { describeLevel, environmentFlag } from '../level.ts';
import type { SecretTable, SecretVersionTable } from '../schema.ts';

export type StoredSecret = Selectable<SecretTable>;
export type StoredVersion = Selectable<SecretVersionTable>;

/** Sorted as they are stored: byte by byte. */
export type Keys = readonly string[];

export function secretMessage(
  secret: StoredSecret,
  keys: Keys,
  { organization, environment }: Scope,
): Secret {
  return create(SecretSchema, {
    uid: secret.uid,
    slug: secret.slug,
    org: organization.slug,
    environment: environment?.slug ?? '',
    currentVersion: secret.current_version,
    keys: [...keys],
    etag: etagOf(secret),
    createTime: timestampFromDate(secret.create_time),
    updateTime: timestampFromDate(secret.update_time),
    ...(secret.delete_time ? { deleteTime: timestampFromDate(secret.delete_time) } : {}),
    ownerKind: secret.owner_kind ?? '',
  });
}

export function versionMessage(version: Omit<StoredVersion, 'wrapped_data_key'>, keys: Keys): SecretVersion {
  return create(SecretVersionSchema, {
    uid: version.uid,
    version: version.version,
    state: version.destroy_time ? SecretVersionState.DESTROYED : SecretVersionState.ENABLED,
    keys: [...keys],
    rolledBackTo: version.rolled_back_to,
    createTime: timestampFromDate(version.create_time),
    createdBy: version.created_by,
    ...(version.destroy_time ? { destroyTime: timestampFromDate(version.destroy_time) } : {}),
  });
}

export function secretNotFound(slug: string, scope: Scope): DomainError {
  return missing('SECRET_NOT_FOUND', `secret "${slug}" does not exist in ${describeLevel(scope)}`, {
    hint: `planton secret list${environmentFlag(scope)}`,
    metadata: { slug },
  });
}

export function versionNotFound(slug: string, version: number, scope: Scope): DomainError {
  return missing('SECRET_VERSION_NOT_FOUND', `secret "${slug}" has no version ${version}`, {
    hint: `planton secret versions ${slug}${environmentFlag(scope)}`,
    metadata: { slug, version: String(version) },
  });
}

export function versionDestroyed(slug: string, version: number, scope: Scope): DomainError {
  return state(
    'SECRET_VERSION_DESTROYED',
    `version ${version} of secret "${slug}" was destroyed and cannot be brought back`,
    {
      hint: `planton secret versions ${slug}${environmentFlag(scope)}`,
      metadata: { slug, version: String(version) },
    },
  );
}

/** For the log alone: callers are told that something is wrong on our side, not what. */
export function secretDamaged(slug: string, version: number, cause: unknown): DomainError {
  return internal('SECRET_DAMAGED', `secret "${slug}" version ${version} does not decrypt`, { cause });
}

/**
 * Refuses what people may not do to a secret that the server made for one of their objects.
 *
 * @throws `SECRET_SERVER_OWNED`, or `SECRET_RETIRED` once it is deleted
 */
export function checkNotServerOwned(secret: StoredSecret): void {
  if (secret.owner_uid === null) return;
  if (secret.delete_time !== null) throw secretRetired(secret);
  throw state(
    'SECRET_SERVER_OWNED',
    `secret "${secret.slug}" belongs to a connection of kind ${secret.owner_kind} and is managed with it`,
    { hint: `planton secret usages ${secret.slug}`, metadata: { slug: secret.slug } },
  );
}

/** What the server made for an object ends with it. */
export function secretRetired({ slug, owner_kind }: StoredSecret): DomainError {
  return state(
    'SECRET_RETIRED',
    `secret "${slug}" was made for an object of kind ${owner_kind}, is retired and cannot be brought back`,
    { hint: `planton secret set ${slug} value=…`, metadata: { slug } },
  );
}
