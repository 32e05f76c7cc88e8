import { type Client, Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { EnrolmentError } from '../errors/enrolment-error.ts';
import type { ProxyEnvironment } from '../proxy/find-proxy.ts';
import { createServerTransport } from './server-transport.ts';

/** Milliseconds that a call may take. */
const CALL_TIMEOUT_MS = 30_000;

/** How the API is reached. */
export interface ServerAccess {
  /** Replaces the network. */
  readonly transport?: Transport;
  /** Where proxies are named; the environment of the process when absent. */
  readonly proxyEnv?: ProxyEnvironment;
  /** Ends the call early. */
  readonly signal?: AbortSignal;
  /** Is told the server's clock, to find a wrong one. */
  readonly onServerTime?: (time: Date) => void;
}

/** Options that every call is made with. */
export interface CallSettings {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  readonly onHeader: (headers: Headers) => void;
}

/** What the platform means by these, the same call again will not change. */
const refusals: ReadonlySet<Code> = new Set([
  Code.InvalidArgument,
  Code.NotFound,
  Code.AlreadyExists,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.Unimplemented,
  Code.Unauthenticated,
]);

/**
 * Calls RunnerService as one that has no identity yet.
 *
 * @throws EnrolmentError `refused` where the platform says no; `unavailable` for everything that is not its answer
 */
export async function callServer<Answer>(
  server: string,
  access: ServerAccess,
  call: (service: Client<typeof RunnerService>, settings: CallSettings) => Promise<Answer>,
): Promise<Answer> {
  const transport = access.transport ?? createServerTransport(server, access.proxyEnv ?? process.env);
  try {
    return await call(createClient(RunnerService, transport), {
      timeoutMs: CALL_TIMEOUT_MS,
      ...(access.signal ? { signal: access.signal } : {}),
      onHeader: (headers) => {
        const time = Date.parse(headers.get('date') ?? '');
        if (!Number.isNaN(time)) access.onServerTime?.(new Date(time));
      },
    });
  } catch (error) {
    throw explain(error, server);
  }
}

function explain(thrown: unknown, server: string): EnrolmentError {
  if (thrown instanceof EnrolmentError) return thrown;
  const error = ConnectError.from(thrown);
  const info = error.findDetails(ErrorInfoSchema)[0];
  if (info) {
    const kind = refusals.has(error.code) ? 'refused' : 'unavailable';
    return new EnrolmentError(kind, info.reason, error.rawMessage, { hint: info.hint, cause: error });
  }
  // A proxy or another web server also answers 401, 403 and 404: that is no refusal of the platform's.
  return new EnrolmentError(
    'unavailable',
    'SERVER_UNREACHABLE',
    `${server} does not answer as the platform does: ${error.rawMessage}`,
    { hint: 'look at PLANTON_SERVER and at HTTPS_PROXY and NO_PROXY where the runner starts', cause: error },
  );
}
