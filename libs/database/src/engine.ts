import type { Kysely } from 'kysely';

export type EngineKind = 'pglite' | 'postgres';

/**
 * One physical database: a PGlite instance in this process, or a pool of connections to PostgreSQL.
 *
 * Services share an engine and keep apart by PostgreSQL schema, see `openDatabase`.
 */
export interface Engine {
  readonly kind: EngineKind;
  /** Every schema, unguarded names: for libraries that bring their own tables. Services use `openDatabase`. */
  readonly kysely: Kysely<unknown>;
  /** One round trip. Rejects with an error that `isUnavailable` recognises when the database does not answer. */
  ping(): Promise<void>;
  /** The adapter behind `listen`, which checks the channel's name and detaches handlers from transactions. */
  subscribe(channel: string, handlers: SubscriptionHandlers): Subscription;
  /** Waits for running queries, ends subscriptions, releases files. Idempotent. */
  close(): Promise<void>;
}

export interface SubscriptionHandlers {
  onNotification(payload: string): void;
  onConnect(): void;
}

export interface Subscription {
  /** Resolves when notifications arrive for the first time, or at `close`. Never rejects. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}
