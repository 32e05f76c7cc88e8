import { type Kysely, sql } from 'kysely';
import type { IdentityTables } from '../schema.ts';

/** Seconds that a person has for typing the code. */
export const DEVICE_S = 600;

/** Seconds between two questions of a program, and by how much they grow when it asks sooner. */
export const PAUSE_S = 5;

/** Requests that wait at the same time, of one address and of all: they bound what a guess can hit. */
const PER_ADDRESS = 20;
const IN_ALL = 1000;

export interface DeviceRequest {
  readonly uid: string;
  readonly deviceHash: Buffer;
  readonly userCode: string;
  readonly label: string;
  readonly peerAddress: string;
}

/** Takes a request down; false where too many wait, or its code is taken. */
export async function insertDeviceRequest(
  db: Kysely<IdentityTables>,
  request: DeviceRequest,
): Promise<boolean> {
  const { ofAddress, all } = await db
    .selectFrom('device_request')
    .select([
      sql<number>`count(*) filter (where peer_address = ${request.peerAddress})`.as('ofAddress'),
      sql<number>`count(*)`.as('all'),
    ])
    .where('expire_time', '>', sql<Date>`now()`)
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  if (ofAddress >= PER_ADDRESS || all >= IN_ALL) return false;
  const inserted = await db
    .insertInto('device_request')
    .values({
      uid: request.uid,
      device_hash: request.deviceHash,
      user_code: request.userCode,
      label: request.label,
      peer_address: request.peerAddress,
      expire_time: sql<Date>`now() + make_interval(secs => ${DEVICE_S})`,
      pause_seconds: PAUSE_S,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('uid')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** A request that waits for an answer, by what a person typed. */
export async function findPending(
  db: Kysely<IdentityTables>,
  userCode: string,
): Promise<{ readonly uid: string; readonly label: string; readonly peerAddress: string } | undefined> {
  const row = await db
    .selectFrom('device_request')
    .select(['uid', 'label', 'peer_address'])
    .where('user_code', '=', userCode)
    .where('state', '=', 'pending')
    .where('expire_time', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst();
  return row && { uid: row.uid, label: row.label, peerAddress: row.peer_address };
}

/** Answers a request, once; false where it does not wait any more. */
export async function answerRequest(
  tx: Kysely<IdentityTables>,
  userCode: string,
  answer: 'approved' | 'denied',
  subjectUid: string,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('device_request')
    .set({ state: answer, subject_uid: subjectUid })
    .where('user_code', '=', userCode)
    .where('state', '=', 'pending')
    .where('expire_time', '>', sql<Date>`clock_timestamp()`)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** What a program that asks finds. */
export interface Polled {
  readonly state: 'pending' | 'approved' | 'denied' | 'spent';
  readonly expired: boolean;
  /** Whether it asked sooner than it may. */
  readonly early: boolean;
  readonly label: string;
  readonly subject?: { readonly uid: string; readonly name: string; readonly instanceOwner: boolean };
}

/** Looks at the request of a program, locked, and notes the question; one that comes early waits longer from then on. */
export async function pollRequest(
  tx: Kysely<IdentityTables>,
  deviceHash: Buffer,
): Promise<Polled | undefined> {
  const row = await tx
    .selectFrom('device_request')
    .select(['uid', 'state', 'label', 'subject_uid'])
    .select([
      sql<boolean>`expire_time <= clock_timestamp()`.as('expired'),
      sql<boolean>`coalesce(poll_time > clock_timestamp() - make_interval(secs => pause_seconds - 0.5), false)`.as(
        'early',
      ),
    ])
    .where('device_hash', '=', deviceHash)
    .forUpdate()
    .executeTakeFirst();
  if (!row) return undefined;
  await tx
    .updateTable('device_request')
    .set({
      poll_time: sql<Date>`clock_timestamp()`,
      ...(row.early && { pause_seconds: sql<number>`least(pause_seconds + ${PAUSE_S}::int8, 60)` }),
    })
    .where('uid', '=', row.uid)
    .execute();
  const { state, label, expired, early } = row;
  const subject =
    row.subject_uid === null
      ? undefined
      : await tx
          .selectFrom('subject')
          .select(['uid', 'name', 'instance_owner'])
          .where('uid', '=', row.subject_uid)
          .where('delete_time', 'is', null)
          .where('disable_time', 'is', null)
          .forShare()
          .executeTakeFirst();
  return {
    state,
    label,
    expired,
    early,
    ...(subject && {
      subject: { uid: subject.uid, name: subject.name, instanceOwner: subject.instance_owner },
    }),
  };
}

export async function spendRequest(tx: Kysely<IdentityTables>, deviceHash: Buffer): Promise<void> {
  await tx
    .updateTable('device_request')
    .set({ state: 'spent' })
    .where('device_hash', '=', deviceHash)
    .execute();
}

/** Denies what a person has approved and no program has come for yet. */
export async function denyRequestsOf(tx: Kysely<IdentityTables>, subjectUid: string): Promise<void> {
  await tx
    .updateTable('device_request')
    .set({ state: 'denied' })
    .where('subject_uid', '=', subjectUid)
    .where('state', '=', 'approved')
    .execute();
}

export async function forgetDeviceRequests(db: Kysely<IdentityTables>): Promise<void> {
  await db
    .deleteFrom('device_request')
    .where('expire_time', '<', sql<Date>`now() - interval '1 hour'`)
    .execute();
}
