import type { ConnectRouter } from '@connectrpc/connect';
import { Health, HealthCheckResponse_ServingStatus as Status } from '@planton/api/grpc/health/v1/health';
import { missing } from '../errors/domain-error.ts';

/** Milliseconds between two looks at a watched service. */
const WATCH_INTERVAL_MS = 1_000;

/**
 * Serves grpc.health.v1.Health for the whole server (an empty name) and each of its services.
 *
 * @param ready whether calls can be answered now
 */
export function healthRoutes(
  services: readonly string[],
  ready: () => Promise<boolean>,
): (router: ConnectRouter) => void {
  const known = new Set(['', ...services]);
  const status = async () => ((await ready()) ? Status.SERVING : Status.NOT_SERVING);

  return (router) =>
    router.service(Health, {
      check: async ({ service }) => {
        if (!known.has(service)) throw missing('SERVICE_UNKNOWN', `this server has no service "${service}"`);
        return { status: await status() };
      },
      async *watch({ service }, { signal }) {
        let last: Status | undefined;
        while (!signal.aborted) {
          const now = known.has(service) ? await status() : Status.SERVICE_UNKNOWN;
          if (now !== last) yield { status: now };
          last = now;
          await pause(WATCH_INTERVAL_MS, signal);
        }
      },
    });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
