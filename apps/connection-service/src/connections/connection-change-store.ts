import { jsonb, takeTurn } from '@planton/database';
import { type Kysely, sql, type Transaction } from 'kysely';
import { lockFence } from '../references/fence-store.ts';
import { enqueueReferences, type OutboxSet, type Owner } from '../references/outbox-store.ts';
import type { ConnectTables, RevisionAction } from '../schema.ts';
import { scheduleVerification } from '../verification/verification-store.ts';
import { type ConnectionRow, type EnvironmentName, readTextMap } from './connection.ts';

/** What an apply writes. */
export interface ConnectionContent {
  readonly provider: string;
  readonly kind: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Protobuf JSON. */
  readonly spec: unknown;
}

export interface ConnectionChange {
  readonly owner: Owner;
  readonly content: ConnectionContent;
  /** The revision that the change was made from; 0 to create. */
  readonly expectedRevision: number;
  /** Under which the references were registered. */
  readonly referenceRevision: number;
  /** Empty for none. */
  readonly runnerUid: string;
  /** What the other services have to be told is referred to now, at most one set for each. */
  readonly confirm: readonly OutboxSet[];
  /** How long after the change the connection is verified unless someone does so before. */
  readonly verifyAfterSeconds: number;
  readonly by: string;
}

/**
 * Writes the connection, its revision, and the orders to confirm its references and to verify it, all or nothing.
 *
 * @returns the new revision; undefined, with nothing written, when the connection has changed in between or the registration of
 *   its references was given up
 */
export async function commitConnection(
  tx: Transaction<ConnectTables>,
  change: ConnectionChange,
): Promise<number | undefined> {
  const { owner, expectedRevision, referenceRevision } = change;
  const fence = await lockFence(tx, owner.uid);
  if (referenceRevision <= fence) return undefined;
  const revision = expectedRevision + 1;
  const written = expectedRevision === 0 ? await insert(tx, change) : await update(tx, change);
  if (!written) return undefined;
  await insertRevision(tx, {
    ...change.content,
    owner,
    revision,
    action: expectedRevision === 0 ? 'created' : 'updated',
    by: change.by,
  });
  for (const set of change.confirm) await enqueueReferences(tx, owner, referenceRevision, set);
  await scheduleVerification(tx, owner.uid, revision, change.verifyAfterSeconds);
  return revision;
}

async function insert(
  tx: Transaction<ConnectTables>,
  { owner, content, referenceRevision, runnerUid, by }: ConnectionChange,
): Promise<boolean> {
  const row = await tx
    .insertInto('connection')
    .values({
      uid: owner.uid,
      organization_uid: owner.organization.uid,
      organization_slug: owner.organization.slug,
      provider: content.provider,
      kind: content.kind,
      slug: owner.slug,
      name: content.name,
      labels: jsonb<unknown>(content.labels),
      annotations: jsonb<unknown>(content.annotations),
      spec: jsonb(content.spec),
      revision: 1,
      reference_revision: referenceRevision,
      runner_uid: runnerUid,
      created_by: by,
      updated_by: by,
    })
    .onConflict((conflict) => conflict.columns(['organization_uid', 'slug']).doNothing())
    .returning('uid')
    .executeTakeFirst();
  return row !== undefined;
}

async function update(
  tx: Transaction<ConnectTables>,
  { owner, content, expectedRevision, referenceRevision, runnerUid, by }: ConnectionChange,
): Promise<boolean> {
  const row = await tx
    .updateTable('connection')
    .set({
      name: content.name,
      labels: jsonb<unknown>(content.labels),
      annotations: jsonb<unknown>(content.annotations),
      spec: jsonb(content.spec),
      revision: expectedRevision + 1,
      reference_revision: referenceRevision,
      runner_uid: runnerUid,
      update_time: sql<Date>`now()`,
      updated_by: by,
    })
    .where('uid', '=', owner.uid)
    .where('revision', '=', expectedRevision)
    .returning('uid')
    .executeTakeFirst();
  return row !== undefined;
}

async function insertRevision(
  tx: Transaction<ConnectTables>,
  entry: ConnectionContent & {
    readonly owner: Owner;
    readonly revision: number;
    readonly action: RevisionAction;
    readonly by: string;
  },
): Promise<void> {
  const { owner, revision, action, by, ...content } = entry;
  await tx
    .insertInto('connection_revision')
    .values({
      connection_uid: owner.uid,
      revision,
      organization_uid: owner.organization.uid,
      slug: owner.slug,
      action,
      document: jsonb<unknown>({ ...content, organization_slug: owner.organization.slug }),
      created_by: by,
    })
    .execute();
}

export async function countConnections(db: Kysely<ConnectTables>, organizationUid: string): Promise<number> {
  const { count } = await db
    .selectFrom('connection')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('organization_uid', '=', organizationUid)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** With those of this transaction, while nobody else makes one in the organisation. */
export async function countConnectionsInTurn(
  tx: Transaction<ConnectTables>,
  organizationUid: string,
): Promise<number> {
  await takeTurn(tx, `connect connections ${organizationUid}`);
  return countConnections(tx, organizationUid);
}

/** Something that keeps a connection from being deleted. */
export type ConnectionUser =
  | { readonly kind: 'default'; readonly environment: EnvironmentName }
  | { readonly kind: 'authorization' };

/** Locks a connection against new defaults and authorisations, which need a shared lock on it. Undefined where it is gone. */
export function lockConnection(
  tx: Transaction<ConnectTables>,
  uid: string,
): Promise<ConnectionRow | undefined> {
  return tx.selectFrom('connection').selectAll().where('uid', '=', uid).forUpdate().executeTakeFirst();
}

/** What refers to a connection. */
export async function listConnectionUsers(
  tx: Transaction<ConnectTables>,
  uid: string,
): Promise<ConnectionUser[]> {
  const defaults = await tx
    .selectFrom('default_connection')
    .select(['environment_uid', 'environment_slug'])
    .where('connection_uid', '=', uid)
    .orderBy('environment_slug')
    .execute();
  const authorization = await tx
    .selectFrom('connection_authorization')
    .select('uid')
    .where('connection_uid', '=', uid)
    .executeTakeFirst();
  return [
    ...defaults.map(
      (row): ConnectionUser => ({
        kind: 'default',
        environment: { uid: row.environment_uid, slug: row.environment_slug },
      }),
    ),
    ...(authorization ? [{ kind: 'authorization' } as const] : []),
  ];
}

/** Drops the defaults of a connection in environments that are gone. */
export async function dropDefaults(
  tx: Transaction<ConnectTables>,
  connectionUid: string,
  environmentUids: readonly string[],
): Promise<void> {
  if (environmentUids.length === 0) return;
  await tx
    .deleteFrom('default_connection')
    .where('connection_uid', '=', connectionUid)
    .where('environment_uid', 'in', environmentUids)
    .execute();
}

/** Removes a locked connection that nothing refers to, keeps its history, and orders its references to be released. */
export async function deleteConnectionRow(
  tx: Transaction<ConnectTables>,
  row: ConnectionRow,
  by: string,
): Promise<void> {
  const owner: Owner = {
    uid: row.uid,
    kind: row.kind,
    slug: row.slug,
    organization: { uid: row.organization_uid, slug: row.organization_slug },
  };
  const fence = await lockFence(tx, row.uid);
  await tx.deleteFrom('connection').where('uid', '=', row.uid).execute();
  await insertRevision(tx, {
    provider: row.provider,
    kind: row.kind,
    name: row.name,
    labels: readTextMap(row.labels),
    annotations: readTextMap(row.annotations),
    spec: row.spec,
    owner,
    revision: row.revision + 1,
    action: 'deleted',
    by,
  });
  const revision = Math.max(fence, row.reference_revision) + 1;
  await enqueueReferences(tx, owner, revision, { target: 'config', references: [] });
  if (row.runner_uid !== '')
    await enqueueReferences(tx, owner, revision, { target: 'runner', runnerUids: [] });
}
