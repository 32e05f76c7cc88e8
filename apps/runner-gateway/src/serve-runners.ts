import { isIP } from 'node:net';
import type { ConnectRouter, Interceptor } from '@connectrpc/connect';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { type MutualTlsLimits, type MutualTlsListener, serveMutualTls } from '@planton/rpc';
import type { Deps } from './deps.ts';

/** Between two looks at the age of the certificate. */
const LOOK_INTERVAL_MS = 3_600_000;
/** A new certificate is made this long before the old one ends. */
const RENEW_BEFORE_MS = 15 * 24 * 3_600_000;

export interface ServeRunnersSettings {
  /** `HOST:PORT` to listen on. */
  readonly address: string;
  /** Those of the guard. */
  readonly interceptors: Interceptor[];
  readonly limits?: Partial<MutualTlsLimits>;
}

/** Listens for runners, with a certificate of this replica that is made now, kept in memory, and made anew in time. */
export async function serveRunners(
  deps: Pick<Deps, 'authority' | 'gatewayAddress' | 'logger' | 'monotonic' | 'now'>,
  routes: (router: ConnectRouter) => void,
  settings: ServeRunnersSettings,
): Promise<MutualTlsListener> {
  const { authority, now } = deps;
  const hosts = hostsOf(deps.gatewayAddress);
  let current = await authority.issueGatewayCertificate({ hosts, now: now() });
  const listener = await serveMutualTls({
    address: settings.address,
    services: [RunnerGateway],
    routes,
    interceptors: settings.interceptors,
    tls: { cert: current.cert, key: current.key, ca: authority.caBundle },
    logger: deps.logger,
    monotonic: deps.monotonic,
    ...(settings.limits ? { limits: settings.limits } : {}),
  });
  const renew = async () => {
    if (current.expireTime.getTime() - now().getTime() > RENEW_BEFORE_MS) return;
    current = await authority.issueGatewayCertificate({ hosts, now: now() });
    listener.setCertificates({ cert: current.cert, key: current.key, ca: authority.caBundle });
  };
  const looking = setInterval(() => {
    renew().catch((error: unknown) =>
      deps.logger.error({ error }, 'the certificate of this gateway could not be renewed, and is later'),
    );
  }, LOOK_INTERVAL_MS);
  return {
    ...listener,
    close: async (graceMs) => {
      clearInterval(looking);
      await listener.close(graceMs);
    },
  };
}

/** What runners dial, and the names of this machine to itself, for the platform runner beside the server. */
function hostsOf(publicAddress: string): string[] {
  return [...new Set([hostOf(publicAddress), 'localhost', '127.0.0.1', '::1'])].filter(
    (each) => each !== '' && (isIP(each) !== 0 || !each.includes(':')),
  );
}

function hostOf(address: string): string {
  const host = address.slice(0, address.lastIndexOf(':'));
  return host.replace(/^\[|\]$/g, '');
}
