import type { Kysely } from 'kysely';
import { spendCodesOf } from '../grants/code-store.ts';
import { denyRequestsOf } from '../grants/device-store.ts';
import { endGrantsOf } from '../grants/grant-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import type { IdentityTables } from '../schema.ts';
import { deleteBrowserSessions } from '../sign-in/browser-session-store.ts';
import { deletePasswordLink } from './password-link-store.ts';

/**
 * Ends everything that a person signed in to, and what would still become a sign-in: browsers, programs, codes on their way, a link for a
 * new password. API keys stay. Call it after the lock of `lockSubject`, which whatever begins a sign-in holds the other side of.
 */
export async function endSignIns(tx: Kysely<IdentityTables>, uid: string): Promise<void> {
  await deleteBrowserSessions(tx, uid);
  await spendCodesOf(tx, uid);
  await denyRequestsOf(tx, uid);
  await deletePasswordLink(tx, uid);
  const ended = await endGrantsOf(tx, uid);
  if (ended.length > 0) await revoke(tx, ended);
}
