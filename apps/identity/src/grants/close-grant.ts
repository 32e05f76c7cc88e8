import type { RequestOrigin } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import type { IdentityTables } from '../schema.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { endGrant, type Grant } from './grant-store.ts';

/** Ends a grant everywhere within a second, in its person's name; one that has ended stays as it is. */
export async function closeGrant(
  tx: Kysely<IdentityTables>,
  origin: RequestOrigin,
  { uid, subjectUid, label }: Grant,
  why: 'signed_out' | 'code_replayed' | 'refresh_replayed',
): Promise<void> {
  const locked = await lockSubject(tx, subjectUid);
  if (!(await endGrant(tx, uid))) return;
  await revoke(tx, [uid]);
  const subject = {
    kind: 'user' as const,
    uid: subjectUid,
    name: locked?.name ?? '',
    instanceOwner: locked?.instance_owner ?? false,
  };
  await recordAudit(
    tx,
    '',
    { subject, ...origin },
    {
      action: 'session_grant.revoke',
      resource: { kind: 'session_grant', uid, slug: label },
      details: { why, subject_uid: subjectUid },
    },
  );
}
