import { assertOutsideTransaction, type Engine, listen, notify } from '@planton/database';
import type { Logger } from '@planton/rpc';

const CHANNEL = 'planton_runner_gateway';
/** Items in one notification; PostgreSQL takes 8000 bytes, and an item is a kind and at most two uids. */
const BATCH = 60;

/**
 * Tells replicas to look. Fire and forget: what is said is a hint, coalesced and possibly lost, so whoever listens also looks
 * from time to time by itself. Never called inside a transaction: commits that notify are serialised by PostgreSQL.
 */
export interface Wake {
  /** There is an operation for an instance of the runner. */
  work(runnerUid: string): void;
  /** The operation has ended; the replica has a caller who waits for it. */
  ended(replicaUid: string, operationUid: string): void;
  /** The operation has a new step; the replica has a caller who waits for it. */
  stepped(replicaUid: string, operationUid: string): void;
  /** Someone asked for the end of an operation that the replica's session has. */
  cancelled(replicaUid: string, operationUid: string): void;
  /** Something was revoked. */
  revoked(): void;
  /** Runners of the organisation look different now. */
  changed(organizationUid: string): void;
  /** Another session of the instance was opened: one that this replica still has is superseded. */
  superseded(instanceUid: string): void;
}

/** What a replica does when it is woken. Called on a later turn; must not throw. */
export interface WakeHandlers {
  work(runnerUid: string): void;
  ended(operationUid: string): void;
  stepped?(operationUid: string): void;
  cancelled(operationUid: string): void;
  revoked(): void;
  changed(organizationUid: string): void;
  superseded(instanceUid: string): void;
  /** Anything may have been missed: look at everything. */
  all(): void;
}

type Signal = keyof Wake;

/** `[signal, subject, replica]`; an empty replica means all of them. */
type Item = readonly [signal: Signal, subject: string, replicaUid: string];

export interface RunningWake extends Wake {
  /** Calls the handler for every change of runners, here and on other replicas; returns how to stop. */
  onChanged(handler: (organizationUid: string) => void): () => void;
  close(): Promise<void>;
}

/**
 * @param hasPeers whether other replicas are alive: without any, nothing is sent
 */
export function createWake(settings: {
  readonly engine: Engine;
  readonly replicaUid: string;
  readonly handlers: WakeHandlers;
  readonly hasPeers: () => boolean;
  readonly logger: Logger;
}): RunningWake {
  const { engine, replicaUid, handlers, hasPeers, logger } = settings;
  const watchers = new Set<(organizationUid: string) => void>();
  const local = new Map<string, Item>();
  const remote = new Map<string, Item>();
  let sending = false;
  let handing = false;

  const handle = ([signal, subject]: Item) => {
    if (signal === 'revoked') handlers.revoked();
    else handlers[signal]?.(subject);
    if (signal === 'changed') for (const watcher of watchers) watcher(subject);
  };
  const handLocal = () => {
    handing = false;
    const items = [...local.values()];
    local.clear();
    for (const item of items) handle(item);
  };
  const send = async () => {
    while (remote.size > 0) {
      const items = [...remote.values()].slice(0, BATCH);
      for (const item of items) remote.delete(item.join(' '));
      try {
        await notify(engine.kysely, CHANNEL, JSON.stringify({ from: replicaUid, items }));
      } catch (error) {
        logger.debug({ error }, 'other replicas could not be woken; they look by themselves');
      }
    }
    sending = false;
  };
  const signal = (item: Item) => {
    assertOutsideTransaction('waking a replica');
    const [, , to] = item;
    if (to === '' || to === replicaUid) {
      local.set(item.join(' '), item);
      if (!handing) setImmediate(handLocal);
      handing = true;
    }
    if (to === replicaUid || !hasPeers()) return;
    remote.set(item.join(' '), item);
    if (!sending) setImmediate(() => void send());
    sending = true;
  };

  const subscription = listen(
    engine,
    CHANNEL,
    (payload) => {
      const message = parseMessage(payload);
      if (!message || message.from === replicaUid) return;
      for (const item of message.items) if (item[2] === '' || item[2] === replicaUid) handle(item);
    },
    { onConnect: () => handlers.all() },
  );

  return {
    work: (runnerUid) => signal(['work', runnerUid, '']),
    ended: (to, operationUid) => signal(['ended', operationUid, to]),
    stepped: (to, operationUid) => signal(['stepped', operationUid, to]),
    cancelled: (to, operationUid) => signal(['cancelled', operationUid, to]),
    revoked: () => signal(['revoked', '', '']),
    changed: (organizationUid) => signal(['changed', organizationUid, '']),
    superseded: (instanceUid) => signal(['superseded', instanceUid, '']),
    onChanged: (handler) => {
      watchers.add(handler);
      return () => watchers.delete(handler);
    },
    close: () => subscription.close(),
  };
}

const signals: ReadonlySet<unknown> = new Set<Signal>([
  'work',
  'ended',
  'stepped',
  'cancelled',
  'revoked',
  'changed',
  'superseded',
]);

/** Anyone with a role in the database may notify, so nothing is taken for granted. */
function parseMessage(
  payload: string,
): { readonly from: string; readonly items: readonly Item[] } | undefined {
  try {
    const { from, items } = Object(JSON.parse(payload));
    if (typeof from !== 'string' || !Array.isArray(items)) return undefined;
    const known = items.filter(
      (item): item is Item =>
        Array.isArray(item) &&
        item.length === 3 &&
        signals.has(item[0]) &&
        item.every((part) => typeof part === 'string'),
    );
    return { from, items: known };
  } catch {
    return undefined;
  }
}
