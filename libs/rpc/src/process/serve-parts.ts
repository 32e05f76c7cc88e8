import type { DescService } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import type { Logger } from '../logging/logger.ts';
import type { Guard } from '../server/guard.ts';
import type { HttpRoute } from '../server/http-route.ts';
import { serve } from '../server/serve.ts';
import type { ServerSettings } from './read-settings.ts';
import type { Running } from './run-process.ts';

/** Milliseconds that requests under way are given when the process ends. */
const DRAIN_MS = 10_000;

/** A service as its app assembles it. */
export interface ServicePart {
  routes(router: ConnectRouter): void;
  /** What the service answers besides RPCs; none when absent. */
  readonly http?: readonly HttpRoute[];
  /** Starts the background work. */
  start(): void;
  /** Ends the background work and waits for it. */
  stop(): Promise<void>;
  /** Whether the service can answer. */
  ready(): Promise<boolean>;
  /** What operators may want to know of a service that can, a line each; `GET /readyz` tells it to everybody. */
  notes?(): readonly string[];
}

/**
 * Serves services on the port of the settings, behind the guard, until it is closed: then it drains, ends the background
 * work, and closes what they stand on.
 *
 * @param close closes the database
 */
export async function serveParts(settings: {
  readonly server: ServerSettings;
  readonly guard: Guard;
  readonly services: readonly DescService[];
  readonly parts: readonly ServicePart[];
  readonly logger: Logger;
  readonly close: () => Promise<void>;
}): Promise<Running> {
  const { server, guard, parts, logger } = settings;
  let draining = false;
  guard.start();
  for (const part of parts) part.start();
  const end = async () => {
    for (const part of parts) await part.stop();
    await guard.stop();
    await settings.close();
  };

  try {
    const listener = await serve({
      address: server.listen,
      ...(server.tls ? { tls: server.tls } : {}),
      services: settings.services,
      routes: (router) => {
        for (const part of parts) part.routes(router);
      },
      guard,
      edge: { ...server.edge, secure: server.publicUrl.startsWith('https:') },
      http: parts.flatMap((part) => part.http ?? []),
      ready: async () => {
        if (draining || !guard.revocations.isFresh()) return false;
        return (await Promise.all(parts.map((part) => part.ready()))).every(Boolean);
      },
      notes: () => parts.flatMap((part) => part.notes?.() ?? []),
    });
    logger.info({ url: listener.url }, 'listening');
    return {
      close: async () => {
        draining = true;
        logger.info('draining');
        await listener.close(DRAIN_MS);
        await end();
      },
    };
  } catch (error) {
    await end();
    throw error;
  }
}
