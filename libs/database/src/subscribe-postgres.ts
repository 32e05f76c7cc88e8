import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { Subscription, SubscriptionHandlers } from './engine.ts';

const HEARTBEAT_MS = 15_000;
const LONGEST_PAUSE_MS = 5_000;

interface SubscribeOptions {
  readonly onError: (error: Error) => void;
  readonly random: () => number;
}

/**
 * LISTEN on a connection of its own, because a pooled one would be handed to others and closed when idle. Reconnects with full
 * jitter until closed. A heartbeat finds a connection that died without saying so, which TCP alone reports only after minutes.
 */
export function subscribePostgres(
  config: pg.ClientConfig,
  channel: string,
  handlers: SubscriptionHandlers,
  { onError, random }: SubscribeOptions,
): Subscription {
  const stop = new AbortController();
  const ready = Promise.withResolvers<void>();

  async function listenOnce(onListening: () => void): Promise<void> {
    const client = new pg.Client({ ...config, query_timeout: HEARTBEAT_MS });
    const ended = Promise.withResolvers<void>();
    const stopped = () => ended.resolve();
    client.on('error', ended.reject);
    client.on('end', stopped);
    client.on('notification', (message) => {
      if (message.channel === channel && !stop.signal.aborted) handlers.onNotification(message.payload ?? '');
    });
    stop.signal.addEventListener('abort', stopped);
    let heartbeat: NodeJS.Timeout | undefined;
    try {
      await client.connect();
      await client.query(`listen ${pg.escapeIdentifier(channel)}`);
      onListening();
      heartbeat = setInterval(() => client.query('select 1').catch(ended.reject), HEARTBEAT_MS).unref();
      await ended.promise;
    } finally {
      clearInterval(heartbeat);
      stop.signal.removeEventListener('abort', stopped);
      ended.promise.catch(() => {});
      await endSoon(client);
    }
  }

  async function listenUntilStopped(): Promise<void> {
    for (let failures = 0; !stop.signal.aborted; failures++) {
      try {
        await listenOnce(() => {
          failures = 0;
          if (stop.signal.aborted) return;
          handlers.onConnect();
          ready.resolve();
        });
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
      }
      const pause = random() * Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(failures, 10));
      await sleep(pause, undefined, { signal: stop.signal }).catch(() => {});
    }
  }

  const done = listenUntilStopped();
  return {
    ready: ready.promise,
    close: async () => {
      stop.abort();
      ready.resolve();
      await done;
    },
  };
}

/** A broken connection may never acknowledge its end, and nothing depends on that it does. */
async function endSoon(client: pg.Client): Promise<void> {
  const limit = new AbortController();
  await Promise.race([
    client.end().catch(() => {}),
    sleep(1_000, undefined, { signal: limit.signal }).catch(() => {}),
  ]);
  limit.abort();
}
