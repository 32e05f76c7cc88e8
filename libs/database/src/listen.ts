import { AsyncLocalStorage } from 'node:async_hooks';
import { type Kysely, sql } from 'kysely';
import type { Engine, Subscription } from './engine.ts';
import { assertOutsideTransaction } from './guard-transaction.ts';

const CHANNEL = /^[a-z_][a-z0-9_]{0,62}$/;
/** PostgreSQL's limit is 8000 bytes with the terminator. */
const PAYLOAD_LIMIT = 7_999;

export interface ListenOptions {
  /**
   * Called whenever notifications begin to arrive: once at first, and again after every reconnection. What was sent meanwhile is
   * lost, so read the tables again here. A notification is a hint to look, never the fact itself.
   */
  readonly onConnect?: () => void;
}

/**
 * Calls `handler` for every notification on `channel`, reconnecting by itself until closed or the engine is. Returns at once even
 * if the database is down; `ready` tells when the first notification can arrive.
 *
 * Handlers run outside the notifying transaction, on a later turn, and must not throw.
 *
 * @param channel lower-case letters, digits and underscores, at most 63
 */
export function listen(
  engine: Engine,
  channel: string,
  handler: (payload: string) => void,
  options: ListenOptions = {},
): Subscription {
  assertChannel(channel);
  assertOutsideTransaction('listen()');
  // PGlite calls back from inside the query that notified; its transaction must not be the handler's.
  const detach = AsyncLocalStorage.snapshot();
  return engine.subscribe(channel, {
    onNotification: (payload) => detach(() => setImmediate(handler, payload)),
    onConnect: () => detach(() => setImmediate(() => options.onConnect?.())),
  });
}

/**
 * Sends a notification; inside a transaction it leaves at commit, and not at all after a rollback.
 *
 * PostgreSQL serialises commits that notify, so keep it out of hot write transactions and coalesce instead.
 *
 * @param payload at most 7999 bytes of UTF-8, no secrets: every role of the database may listen
 */
export async function notify<DB>(db: Kysely<DB>, channel: string, payload = ''): Promise<void> {
  assertChannel(channel);
  if (Buffer.byteLength(payload) > PAYLOAD_LIMIT) {
    throw new RangeError(`a notification holds at most ${PAYLOAD_LIMIT} bytes`);
  }
  await sql`select pg_notify(${channel}, ${payload})`.execute(db);
}

function assertChannel(channel: string): void {
  if (!CHANNEL.test(channel)) {
    throw new RangeError(
      `a channel is lower-case letters, digits and underscores, at most 63: ${JSON.stringify(channel)}`,
    );
  }
}
