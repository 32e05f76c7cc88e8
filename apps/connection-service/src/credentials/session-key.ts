import { createHash } from 'node:crypto';
import type { SessionOrder } from '../providers/provider.ts';
import type { FieldValues } from '../references/reference.ts';

/** What a session depends on. */
export interface SessionFacts {
  readonly connection: { readonly uid: string; readonly revision: number };
  readonly environmentUid: string;
  readonly order: SessionOrder;
  /** What the variables hold that the spec refers to, read just now. */
  readonly resolved: FieldValues;
}

/**
 * The key of a session: whatever goes into opening it, so that two calls have one key only where they would open the same session.
 *
 * Role, region, account and the reference to the external ID are the spec's: they change with the revision of the connection alone, and one
 * that is made again under its slug has another uid. A variable can change without the connection, so its value, read at this very call, is
 * in the key itself; a version would add nothing, since a session depends on the value alone. The external ID is neither read nor in the
 * key: it is a secret of the server, minted once for this uid, which nobody sets again, rolls back or deletes while the connection is
 * there; it has one version, which the uid stands for. A different secret would be a different spec, hence another revision.
 *
 * So nothing has to be invalidated: what is no longer right is no longer asked for. Whether the caller may have it is not in the key: that
 * is decided anew at every call, before the key is made.
 */
export function sessionKey({ connection, environmentUid, order, resolved }: SessionFacts): string {
  return JSON.stringify([
    connection.uid,
    connection.revision,
    environmentUid,
    order.environment ?? '',
    order.requester.uid,
    order.requester.name,
    order.requester.via ?? '',
    order.durationSeconds ?? 0,
    order.sessionPolicy === '' ? '' : createHash('sha256').update(order.sessionPolicy).digest('base64'),
    ...[...resolved].sort(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}
