import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { MetadataSchema } from '@planton/api/common/v1/metadata';
import { type RunnerSchema, RunnerState } from '@planton/api/runner/v1/runner';
import { type DomainError, invalid, makeSlug, missing, state } from '@planton/rpc';
import type { Selectable } from 'kysely';
import type { RunnerTable } from '../schema.ts';

export type RunnerRow = Selectable<RunnerTable>;

export interface OrganizationName {
  readonly uid: string;
  readonly slug: string;
}

/** A runner with what is observed about it, read in one statement. */
export interface RunnerView extends RunnerRow {
  /** Neither revoked, locked nor forgotten. */
  readonly instances: number;
  readonly online_instances: number;
  /** The database's clock while an instance is online; null where none ever was. */
  readonly last_seen_time: Date | null;
  /** Of the instances that are online; sorted, each once. */
  readonly versions: readonly string[];
  readonly running_operations: number;
  readonly queued_operations: number;
}

/** The registration of the runners that run beside the control plane. It belongs to no organisation, so that no tenant can name it. */
export const PLATFORM_RUNNER_UID = 'platform-runner';

/** Of one organisation: all of them are watched at once. */
export const RUNNERS_AT_MOST = 1_000;

/** An answer stays small whatever instances call themselves. */
const MOST_VERSIONS = 20;

/** `AWS Production` → `aws-production`, as for connections. Throws `NAME_REQUIRED` for a name without a letter or digit of ASCII. */
export function slugOf(name: string): string {
  const slug = makeSlug(name);
  if (slug !== '') return slug;
  throw invalid('NAME_REQUIRED', 'name: no slug can be made from it', {
    hint: 'give a name with a letter or digit',
  });
}

export function runnerNotFound(organization: string, nameOrSlug: string): DomainError {
  return missing(
    'RUNNER_NOT_FOUND',
    `organisation "${organization}" has no runner ${JSON.stringify(nameOrSlug)}`,
    { hint: 'planton runner list', metadata: { organization, runner: nameOrSlug } },
  );
}

export function ambiguousName(name: string, slugs: readonly string[]): DomainError {
  return invalid(
    'AMBIGUOUS_NAME',
    `several runners have the name ${JSON.stringify(name)}: ${slugs.join(', ')}`,
    { hint: 'name the runner by its slug', metadata: { slugs: slugs.join(',') } },
  );
}

/** The refusal to use a runner that was revoked. */
export function runnerRevoked(slug: string): DomainError {
  return state('RUNNER_REVOKED', `runner "${slug}" was revoked`, {
    hint: `planton runner delete ${slug}, then planton runner register --name …`,
    metadata: { runner: slug },
  });
}

/** What certificates call an instance of the runner, for people. */
export function commonNameOf({
  organization_slug,
  slug,
}: Pick<RunnerRow, 'organization_slug' | 'slug'>): string {
  return organization_slug === '' ? 'platform.runner' : `org.${organization_slug}.runner.${slug}`;
}

export function runnerMessage(view: RunnerView): MessageInitShape<typeof RunnerSchema> {
  return {
    metadata: metadataOf(view),
    status: {
      state: stateOf(view),
      onlineInstances: view.online_instances,
      instances: view.instances,
      versions: view.versions.slice(0, MOST_VERSIONS),
      runningOperations: view.running_operations,
      queuedOperations: view.queued_operations,
      ...(view.last_seen_time && { lastSeenTime: timestampFromDate(view.last_seen_time) }),
      ...(view.revoke_time && { revokeTime: timestampFromDate(view.revoke_time) }),
    },
  };
}

function stateOf({ revoke_time, online_instances, last_seen_time }: RunnerView): RunnerState {
  if (revoke_time) return RunnerState.REVOKED;
  if (online_instances > 0) return RunnerState.ONLINE;
  return last_seen_time ? RunnerState.OFFLINE : RunnerState.PENDING;
}

function metadataOf(row: RunnerRow): MessageInitShape<typeof MetadataSchema> {
  return {
    name: row.name,
    slug: row.slug,
    org: row.organization_slug,
    uid: row.uid,
    revision: row.revision,
    etag: `${row.uid}.${row.revision}`,
    createTime: timestampFromDate(row.create_time),
    updateTime: timestampFromDate(row.update_time),
    createdBy: row.created_by,
    updatedBy: row.updated_by,
  };
}
