import type { Caller } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { hashKey } from '../api-keys/mint-key.ts';
import { recordAudit } from '../audit/audit-store.ts';
import type { IdentityTables } from '../schema.ts';
import { ACCESS_S, type Grant, insertGrant } from './grant-store.ts';
import { mintSessionAccess, mintSessionRefresh } from './mint-session.ts';

/** A pair in the clear, on its way to whoever asked for it. */
export interface MintedPair {
  readonly access: string;
  readonly refresh: string;
}

export function mintPair(randomBytes: (size: number) => Buffer): MintedPair {
  return { access: mintSessionAccess(randomBytes), refresh: mintSessionRefresh(randomBytes) };
}

export function hashPair({ access, refresh }: MintedPair) {
  return { access: hashKey(access), refresh: hashKey(refresh) };
}

/** The answer of the token endpoint (RFC 6749, section 5.1). */
export function tokenAnswer({ access, refresh }: MintedPair): object {
  return { access_token: access, token_type: 'Bearer', expires_in: ACCESS_S, refresh_token: refresh };
}

/** Begins a grant and puts it on record. */
export async function openGrant(
  tx: Kysely<IdentityTables>,
  actor: Omit<Caller, 'membership'>,
  grant: Grant,
  pair: MintedPair,
  how: string,
): Promise<void> {
  await insertGrant(tx, grant, hashPair(pair));
  await recordAudit(tx, '', actor, {
    action: 'session_grant.create',
    resource: { kind: 'session_grant', uid: grant.uid, slug: grant.label },
    details: { how, subject_uid: grant.subjectUid },
  });
}
