import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { waitWhenTold } from './wait-when-told.ts';

/**
 * Bytes of the largest request, as the server has it. A larger one is refused here: Node keeps what was not sent of a stream that
 * the server ended, until the connection takes no further call.
 */
const WRITE_MAX_BYTES = 4 * 1024 * 1024;

/** Milliseconds that a call may take unless it says otherwise. */
const DEFAULT_TIMEOUT_MS = 30_000;

export interface PlantonSettings {
  /** Where the platform listens, such as `https://planton.example.com`. */
  readonly server: string;
  /** API key of a service account. Asked for at every call, so that it can be rotated while the program runs. */
  readonly apiKey: string | (() => string | Promise<string>);
  /** Replaces the network, for tests. */
  readonly transport?: (interceptors: Interceptor[]) => Transport;
}

/** Typed clients of every service of the platform. */
export interface Planton {
  readonly identity: Client<typeof Identity>;
  readonly config: Client<typeof ConfigManager>;
  readonly connections: Client<typeof ConnectionService>;
  readonly runners: Client<typeof RunnerService>;
}

/**
 * Makes the clients: gRPC over one HTTP/2 connection that is opened by the first call, kept alive by pings and opened again
 * when it breaks.
 */
export function createPlanton({ server, apiKey, transport }: PlantonSettings): Planton {
  const authenticate: Interceptor = (next) => async (request) => {
    request.header.set('authorization', `Bearer ${typeof apiKey === 'string' ? apiKey : await apiKey()}`);
    return next(request);
  };
  const connect =
    transport ??
    ((interceptors) =>
      createGrpcTransport({
        baseUrl: server,
        interceptors,
        defaultTimeoutMs: DEFAULT_TIMEOUT_MS,
        writeMaxBytes: WRITE_MAX_BYTES,
        pingIntervalMs: 15_000,
        pingTimeoutMs: 5_000,
      }));
  const made = connect([waitWhenTold(), authenticate]);
  return {
    identity: createClient(Identity, made),
    config: createClient(ConfigManager, made),
    connections: createClient(ConnectionService, made),
    runners: createClient(RunnerService, made),
  };
}
