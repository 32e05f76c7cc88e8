import { create, fromJson, type JsonValue, type Message, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Metadata, MetadataSchema } from '@planton/api/common/v1/metadata';
import { ConnectionStatusSchema } from '@planton/api/connect/v1/connection_status';
import type { ProviderConnectionSchema } from '@planton/api/connect/v1/provider_connection';
import { invalid, makeSlug, missing, stale, state } from '@planton/rpc';
import type { Selectable } from 'kysely';
import type { Provider } from '../providers/provider.ts';
import { findProvider } from '../providers/registry.ts';
import type { ConnectionTable } from '../schema.ts';
import { type VerificationColumns, verificationMessage } from '../verification/verification.ts';

export interface EnvironmentName {
  readonly uid: string;
  readonly slug: string;
}

export type ConnectionRow = Selectable<ConnectionTable>;

/** A connection with what refers to it and how it was last verified, read in one statement. */
export interface ConnectionView extends ConnectionRow, VerificationColumns {
  /** Environments whose default it is; an empty uid stands for the organisation. */
  readonly defaults: readonly EnvironmentName[];
  /** `null` when no authorisation is recorded. */
  readonly scope: 'organization' | 'environment' | null;
  readonly environments: readonly EnvironmentName[];
}

/** `AWS Production` → `aws-production`. Throws `NAME_REQUIRED` for a name without a letter or digit of ASCII. */
export function slugOf(name: string): string {
  const slug = makeSlug(name);
  if (slug !== '') return slug;
  throw invalid('NAME_REQUIRED', 'metadata.name: no slug can be made from it', {
    hint: 'give a name with a letter or digit, or metadata.slug',
  });
}

/** Differs for every revision, and for a connection made again under an old slug. */
export function etagOf({ uid, revision }: { readonly uid: string; readonly revision: number }): string {
  return `${uid}.${revision}`;
}

/** Throws `STALE_ETAG` unless the caller gave no etag or that of `stored`. */
export function checkEtag(
  given: string,
  stored: { readonly uid: string; readonly revision: number } | undefined,
  what: string,
  readAgain: string,
): void {
  if (given === '' || (stored && given === etagOf(stored))) return;
  throw stale('STALE_ETAG', `${what} has changed since it was read`, { hint: readAgain });
}

export function connectionNotFound(organization: string, nameOrSlug: string) {
  return missing(
    'CONNECTION_NOT_FOUND',
    `organisation "${organization}" has no connection ${JSON.stringify(nameOrSlug)}`,
    { hint: 'planton connection list', metadata: { organization, connection: nameOrSlug } },
  );
}

export function ambiguousName(name: string, slugs: readonly string[]) {
  return invalid(
    'AMBIGUOUS_NAME',
    `several connections have the name ${JSON.stringify(name)}: ${slugs.join(', ')}`,
    { hint: 'name the connection by its slug', metadata: { slugs: slugs.join(',') } },
  );
}

/** A stored spec as a message; undefined where this release cannot read it. */
export function readSpec(provider: Provider, stored: unknown): Message | undefined {
  try {
    return fromJson(provider.specSchema, stored as JsonValue, { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}

/** The provider and the spec of a stored connection. Throws `CONNECTION_UNREADABLE` where this release cannot read it. */
export function readProviderSpec(row: Pick<ConnectionRow, 'provider' | 'slug' | 'spec'>): {
  readonly provider: Provider;
  readonly spec: Message;
} {
  const provider = findProvider(row.provider);
  const spec = provider && readSpec(provider, row.spec);
  if (spec) return { provider, spec };
  throw state(
    'CONNECTION_UNREADABLE',
    `connection "${row.slug}" was stored by a release that this one cannot read`,
    { hint: 'start a newer release of the server, or apply the connection again' },
  );
}

/** The text values of a stored object. */
export function readTextMap(stored: unknown): Record<string, string> {
  if (typeof stored !== 'object' || stored === null) return {};
  return Object.fromEntries(
    Object.entries(stored).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/**
 * The connection as callers see it: undefined for a provider that this release does not know, without a spec where it cannot be
 * read, so that one bad row never fails a list.
 */
export function connectionMessage(
  view: ConnectionView,
): MessageInitShape<typeof ProviderConnectionSchema> | undefined {
  const provider = findProvider(view.provider);
  if (!provider) return undefined;
  const verification = verificationMessage(view);
  const status = create(ConnectionStatusSchema, {
    defaultFor: view.defaults.map(levelName).sort(),
    authorizedIn: authorizedIn(view),
    ...(verification && { verification }),
  });
  return {
    kind: provider.wrap({ metadata: metadataOf(view), spec: readSpec(provider, view.spec), status }),
  };
}

function authorizedIn({ scope, environments }: ConnectionView): string[] {
  if (scope === null) return ['everywhere'];
  return scope === 'organization' ? ['organization'] : environments.map(levelName).sort();
}

function levelName({ uid, slug }: EnvironmentName): string {
  return uid === '' ? 'organization' : `environment/${slug}`;
}

function metadataOf(row: ConnectionRow): Metadata {
  return create(MetadataSchema, {
    name: row.name,
    slug: row.slug,
    org: row.organization_slug,
    labels: readTextMap(row.labels),
    annotations: readTextMap(row.annotations),
    uid: row.uid,
    revision: row.revision,
    etag: etagOf(row),
    createTime: timestampFromDate(row.create_time),
    updateTime: timestampFromDate(row.update_time),
    createdBy: row.created_by,
    updatedBy: row.updated_by,
  });
}
