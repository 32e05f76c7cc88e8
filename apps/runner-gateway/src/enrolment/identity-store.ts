import { type Kysely, sql, type Transaction } from 'kysely';
import type { RunnerTables } from '../schema.ts';
import type { Identity } from './identity.ts';

type Db = Kysely<RunnerTables>;
type Tx = Transaction<RunnerTables>;

export interface NewInstance {
  readonly uid: string;
  readonly runnerUid: string;
  readonly organizationUid: string;
  readonly name: string;
  readonly publicKey: Buffer;
  readonly ephemeral: boolean;
  readonly certificateExpireTime: Date;
}

/** Adds an instance with its first certificate. */
export async function insertInstance(tx: Tx, instance: NewInstance): Promise<void> {
  await tx
    .insertInto('runner_instance')
    .values({
      uid: instance.uid,
      runner_uid: instance.runnerUid,
      organization_uid: instance.organizationUid,
      name: instance.name,
      public_key: instance.publicKey,
      ephemeral: instance.ephemeral,
      generation: 1,
      used_generation: 1,
      certificate_expire_time: sql<Date>`${instance.certificateExpireTime}::timestamptz`,
    })
    .execute();
}

function selectIdentity(db: Db, uid: string) {
  return db
    .selectFrom('runner_instance')
    .innerJoin('runner', 'runner.uid', 'runner_instance.runner_uid')
    .selectAll('runner_instance')
    .select(['runner.organization_slug', 'runner.slug', 'runner.revoke_time as runner_revoke_time'])
    .where('runner_instance.uid', '=', uid);
}

export function findIdentity(db: Db, uid: string): Promise<Identity | undefined> {
  return selectIdentity(db, uid).executeTakeFirst();
}

/** Like `findIdentity`, and locks the instance against every other change. */
export function lockIdentity(tx: Tx, uid: string): Promise<Identity | undefined> {
  return selectIdentity(tx, uid).forUpdate('runner_instance').executeTakeFirst();
}

/** Notes the next certificate of a locked instance, and which one was used to ask for it. */
export async function reviseIdentity(
  tx: Tx,
  uid: string,
  next: {
    readonly generation: number;
    readonly usedGeneration: number;
    readonly certificateExpireTime: Date;
  },
): Promise<void> {
  await tx
    .updateTable('runner_instance')
    .set({
      generation: next.generation,
      used_generation: next.usedGeneration,
      certificate_expire_time: sql<Date>`${next.certificateExpireTime}::timestamptz`,
    })
    .where('uid', '=', uid)
    .execute();
}

/** Refuses an instance until it enrols anew. */
export async function lockOutRow(tx: Tx, uid: string): Promise<void> {
  await tx
    .updateTable('runner_instance')
    .set({ lock_time: sql<Date>`now()` })
    .where('uid', '=', uid)
    .execute();
}

/** Uses a nonce; false where it was used already. */
export async function useNonce(tx: Tx, hash: Buffer, expireTime: Date): Promise<boolean> {
  const used = await tx
    .insertInto('recovery_nonce')
    .values({ hash, expire_time: sql<Date>`${expireTime}::timestamptz` })
    .onConflict((conflict) => conflict.doNothing())
    .returning('hash')
    .executeTakeFirst();
  return used !== undefined;
}
