import { randomUUID } from 'node:crypto';
import type { DescService } from '@bufbuild/protobuf';
import type { Transport } from '@connectrpc/connect';
import { reachIdentity } from '../clients/reach-identity.ts';
import { createNetworkTransport } from '../clients/service-transport.ts';
import { createLogger, type Logger } from '../logging/logger.ts';
import { createGuard, type Guard, type IdentityPort } from '../server/guard.ts';
import { readServerSettings, type ServerSettings } from './read-settings.ts';
import { runProcess } from './run-process.ts';
import { type ServicePart, serveParts } from './serve-parts.ts';
import { readServiceKey, readServiceUrl } from './service-settings.ts';

/** What a service that runs alone needs of the database's library, which this one does not know. */
export interface DatabaseAccess<Engine> {
  openEngine(
    settings: ServerSettings & {
      readonly applicationName: string;
      readonly onError: (error: Error) => void;
      readonly onWaiting: (error: unknown) => void;
    },
  ): Promise<Engine>;
  isUnavailable(error: unknown): boolean;
  assertOutsideTransaction(what: string): void;
}

/** What a service is assembled from. */
export interface ServiceSurroundings<Engine> {
  readonly server: ServerSettings;
  readonly engine: Engine;
  readonly guard: Guard;
  readonly identity: IdentityPort;
  readonly logger: Logger;
  /** Another service, in the name of this one: `PLANTON_<SERVICE>_URL`. */
  reach(service: string): Transport;
}

/**
 * Runs one service alone, over the network, on a PostgreSQL of its own, until the process is told to end. Settings are those of the
 * server, and where Identity is and who the service is, see `readServiceUrl` and `readServiceKey`.
 *
 * @param name such as `config-manager`
 */
export function runService<Engine extends { close(): Promise<void> }>(settings: {
  readonly name: string;
  readonly services: readonly DescService[];
  readonly database: DatabaseAccess<Engine>;
  readonly assemble: (surroundings: ServiceSurroundings<Engine>) => Promise<ServicePart>;
}): Promise<void> {
  const { name, services, database } = settings;
  return runProcess(async () => {
    const server = readServerSettings(process.argv.slice(2), process.env);
    const logger = createLogger(name, server.logLevel);
    const beforeCall = database.assertOutsideTransaction;
    const identity = reachIdentity({
      baseUrl: readServiceUrl('identity', process.env),
      serviceKey: readServiceKey(process.env),
      beforeCall,
      now: Date.now,
    });
    const engine = await database.openEngine({
      ...server,
      applicationName: `planton-${name}`,
      onError: (error) => logger.warn({ error }, 'a connection to the database was lost'),
      onWaiting: (error) => logger.warn({ error }, 'the database does not answer; waiting for it'),
    });
    const guard = createGuard({
      issuer: server.publicUrl,
      identity: identity.port,
      rates: server.edge.rates,
      logger,
      now: Date.now,
      monotonic: () => performance.now(),
      newRequestId: randomUUID,
      isUnavailable: database.isUnavailable,
    });
    const part = await settings.assemble({
      server,
      engine,
      guard,
      identity: identity.port,
      logger,
      reach: (service) =>
        createNetworkTransport(readServiceUrl(service, process.env), { token: identity.token, beforeCall }),
    });
    return serveParts({ server, guard, services, parts: [part], logger, close: () => engine.close() });
  });
}
