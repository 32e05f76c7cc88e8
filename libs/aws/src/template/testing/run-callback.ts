import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { CALLBACK_CODE } from '../callback-code.ts';

export interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A server on loopback that keeps what it received, and answers each request by the next of its answers; the last one stays. */
export interface Endpoint {
  readonly url: string;
  readonly received: readonly Received[];
  close(): void;
}

/** A status and body, or `hang`: never answers; `drip`: begins a 200 and never ends it; `drop`: closes the connection. */
export type Answer = { readonly status: number; readonly body?: string } | 'hang' | 'drip' | 'drop';

export async function openEndpoint(...answers: readonly Answer[]): Promise<Endpoint> {
  const received: Received[] = [];
  const listener: RequestListener = (request, response) => {
    const answer = answers[Math.min(received.length, answers.length - 1)] ?? { status: 200 };
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      received.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      if (answer === 'drop') request.socket.destroy();
      else if (answer === 'drip') response.writeHead(200).write('{');
      else if (answer !== 'hang')
        response.writeHead(answer.status, headersOf(answer.status)).end(answer.body);
    });
  };
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function headersOf(status: number) {
  return status >= 300 && status < 400 ? { location: '/elsewhere' } : {};
}

/**
 * Runs the function as Lambda does, but for the pauses between tries, which are left out, and the longest time of a try, which
 * is `tryMs`. Resolves with what it logged, or rejects with what it threw.
 */
export async function runCallback(
  event: unknown,
  { remainingMs = 60_000, tryMs = 60_000 }: { readonly remainingMs?: number; readonly tryMs?: number } = {},
): Promise<readonly string[]> {
  const logged: string[] = [];
  const exported: { handler?: (event: unknown, context: unknown) => Promise<unknown> } = {};
  const load = new Function('exports', 'require', 'console', 'AbortSignal', CALLBACK_CODE);
  const modules: Readonly<Record<string, unknown>> = {
    'node:timers/promises': {
      setTimeout: (ms: number, value: unknown, options: object) =>
        pause(options === undefined ? 0 : ms, value, options),
    },
  };
  load(
    exported,
    (name: string) => modules[name],
    { log: (line: string) => logged.push(line) },
    {
      timeout: (ms: number) => AbortSignal.timeout(Math.min(ms, tryMs)),
    },
  );
  await exported.handler?.(event, { getRemainingTimeInMillis: () => remainingMs });
  return logged;
}
