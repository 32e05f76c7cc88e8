import type { Kysely } from 'kysely';
import { type AuditActor, recordAudit } from '../audit/audit-store.ts';
import type { IdentityTables } from '../schema.ts';

/** A sign-in that was refused. What was typed is not in it: people type passwords into the wrong field. */
export interface Refusal {
  readonly action: 'session.sign_in' | 'session_grant.create' | 'session_grant.refresh';
  /** By what it was tried: `password`, `oidc`, `device`, `browser`, `refresh`, `password_link`, `invitation_link`. */
  readonly how: string;
  /** Such as `wrong_password`; absent where nothing was looked at, and only a pause begins. */
  readonly reason?: string | undefined;
  /** Whose account it was about, where there is one. */
  readonly account?: { readonly uid: string; readonly name: string } | undefined;
  readonly details?: Readonly<Record<string, string>>;
  /** Pauses that it begins. What comes during one is neither looked at nor recorded. */
  readonly pauses?: readonly Pause[];
}

export interface Pause {
  /** What is paused: an address pauses for every account. */
  readonly of: 'account' | 'address';
  /** 0 where none begins. */
  readonly seconds: number;
}

/**
 * Puts a refusal into the trail of the instance: one statement, whatever the reason, so that no clock tells them apart. Where it cannot be
 * recorded nothing else is answered either, as with a sign-in: else whoever keeps records from being written could try passwords unseen.
 */
export async function recordRefusal(
  db: Kysely<IdentityTables>,
  actor: AuditActor,
  { action, how, reason, account, details, pauses = [] }: Refusal,
): Promise<void> {
  const resource = account && { kind: 'user', uid: account.uid, slug: account.name };
  const of = (why: string, about: typeof resource, more: Readonly<Record<string, string>> = {}) => ({
    action,
    outcome: 'denied' as const,
    resource: about,
    details: { how, reason: why, ...more },
  });
  const [first, ...others] = [
    ...(reason === undefined ? [] : [of(reason, resource, details)]),
    ...pauses
      .filter(({ seconds }) => seconds > 0)
      .map((pause) =>
        of('throttled', pause.of === 'account' ? resource : undefined, {
          of: pause.of,
          pause_seconds: String(pause.seconds),
        }),
      ),
  ];
  if (first) await recordAudit(db, '', actor, first, ...others);
}
