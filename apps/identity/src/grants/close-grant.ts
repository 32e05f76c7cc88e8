import type { RequestOrigin } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import type { IdentityTables } from '../schema.ts';
import { recordRefusal } from '../sign-in/record-refusal.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { endGrant, type Grant } from './grant-store.ts';

/** What of a grant came a second time, and ended it. */
const replays = {
  code_replayed: { action: 'session_grant.create', how: 'browser' },
  refresh_replayed: { action: 'session_grant.refresh', how: 'refresh' },
} as const;

/**
 * Ends a grant everywhere within a second, in its person's name; one that has ended stays as it is. What came twice was refused, too: that
 * is on record once for each grant, without an actor, since it may have been a thief.
 */
export async function closeGrant(
  tx: Kysely<IdentityTables>,
  origin: RequestOrigin,
  { uid, subjectUid, label }: Grant,
  why: 'signed_out' | keyof typeof replays,
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
  if (why === 'signed_out') return;
  const account = { uid: subjectUid, name: subject.name };
  await recordRefusal(tx, origin, { ...replays[why], reason: why, account, details: { grant_uid: uid } });
}
