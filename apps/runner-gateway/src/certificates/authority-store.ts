import { type Kysely, type Selectable, sql } from 'kysely';
import type { CertificateAuthorityTable, RunnerTables } from '../schema.ts';

type Db = Kysely<RunnerTables>;

export type AuthorityRow = Selectable<CertificateAuthorityTable>;

/** Those that have not expired, the oldest first. */
export function listAuthorities(db: Db): Promise<AuthorityRow[]> {
  return db
    .selectFrom('certificate_authority')
    .selectAll()
    .where('expire_time', '>', sql<Date>`now()`)
    .orderBy('create_time')
    .orderBy('uid')
    .execute();
}

/** Stores an authority that signs from now on, unless another replica was faster. */
export async function insertAuthority(
  db: Db,
  authority: {
    readonly uid: string;
    readonly certificate: string;
    readonly masterFingerprint: string;
    readonly wrappedKey: Buffer;
    readonly expireTime: Date;
  },
): Promise<void> {
  await db
    .insertInto('certificate_authority')
    .values({
      uid: authority.uid,
      certificate: authority.certificate,
      master_fingerprint: authority.masterFingerprint,
      wrapped_key: authority.wrappedKey,
      signs: true,
      expire_time: sql<Date>`${authority.expireTime}::timestamptz`,
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Replaces the wrapping of a key, unless another replica did. */
export async function rewrapAuthority(
  db: Db,
  { uid, master_fingerprint }: AuthorityRow,
  wrapped: { readonly masterFingerprint: string; readonly wrappedKey: Buffer },
): Promise<void> {
  await db
    .updateTable('certificate_authority')
    .set({ master_fingerprint: wrapped.masterFingerprint, wrapped_key: wrapped.wrappedKey })
    .where('uid', '=', uid)
    .where('master_fingerprint', '=', master_fingerprint)
    .execute();
}
