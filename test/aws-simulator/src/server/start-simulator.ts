import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsError } from '../errors/aws-error.ts';
import type { Account } from '../identities/identity.ts';
import { indexCredentials } from '../identities/index-credentials.ts';
import { indexRoles } from '../identities/index-roles.ts';
import { keepSessions, type RandomBytes } from '../sts/keep-sessions.ts';
import { answerRequest, writeError } from './answer-request.ts';
import { errorOf, type Fault, queueFaults } from './queue-faults.ts';
import { readRequest } from './read-request.ts';
import type { RecordedCall } from './recorded-call.ts';
import type { World } from './service.ts';

export interface AwsSimulatorOptions {
  readonly accounts: readonly Account[];
  /** Port on 127.0.0.1; a free one when absent or 0. */
  readonly listen?: { readonly port?: number };
  readonly now?: () => Date;
  readonly random?: RandomBytes;
}

export interface AwsSimulator {
  /** The endpoint of every service, such as `http://127.0.0.1:4566`. */
  readonly url: string;
  /** The last thousand requests, oldest first, refused ones included. */
  requests(): readonly RecordedCall[];
  /**
   * From now on there are these accounts and no others, and sessions only of roles that are among them; throws as `startAwsSimulator`
   * does, and then changes nothing.
   */
  replaceAccounts(accounts: readonly Account[]): void;
  /** Ends every session of a role that was issued so far: its credentials are answered `ExpiredToken`. */
  expireSessions(): void;
  /** The next requests meet a fault, after those that were added before; `Infinity` of them until `heal`. */
  fail(fault: Fault, times?: number): void;
  /** Every answer, that of a fault too, comes this many milliseconds later. */
  delay(milliseconds: number): void;
  /** Forgets faults and the delay. */
  heal(): void;
  /** Ends open connections and frees the port. */
  stop(): Promise<void>;
}

const MOST_RECORDS = 1000;

/**
 * Starts a server that answers as AWS does, on this machine alone.
 *
 * @throws Error when an account is wrong or the port is taken
 */
export async function startAwsSimulator(options: AwsSimulatorOptions): Promise<AwsSimulator> {
  const now = options.now ?? (() => new Date());
  const records: RecordedCall[] = [];
  const faults = queueFaults();
  const stopping = new AbortController();
  let delay = 0;
  let { findCredential, findRole } = indexAccounts(options.accounts);
  const sessions = keepSessions((arn) => findRole(arn), options.random ?? randomBytes);
  const world: World = {
    findCredential: (accessKeyId) => findCredential(accessKeyId) ?? sessions.find(accessKeyId),
    findRole: (arn) => findRole(arn),
    sessions,
  };

  const remember = (record: RecordedCall): void => {
    records.push(record);
    if (records.length > MOST_RECORDS) records.shift();
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    const method = message.method ?? '';
    try {
      const request = await readRequest(message);
      const fault = faults.take();
      if (delay > 0) await sleep(delay, undefined, { signal: stopping.signal });
      if (fault !== undefined) {
        const error = errorOf(fault);
        const { status = 0, code } = error ?? {};
        remember({ requestId, time: now(), method, status, ...(code !== undefined && { code }) });
        if (error === undefined) return void message.socket.resetAndDestroy();
        return send(response, error.status, writeError(error, requestId), requestId);
      }
      const { status, xml, record } = answerRequest(request, world, requestId, now());
      remember(record);
      send(response, status, xml, requestId);
    } catch (error) {
      // A client that went away has nobody to be answered.
      if (!(error instanceof AwsError)) return void message.destroy();
      const { status, code } = error;
      remember({ requestId, time: now(), method, status, code });
      // The rest of the body stays unread, so the connection cannot be used again.
      response.setHeader('connection', 'close');
      send(response, status, writeError(error, requestId), requestId);
    }
  };

  const server = createServer(
    { maxHeaderSize: 32 * 1024, headersTimeout: 10_000, requestTimeout: 15_000 },
    (message, response) => void serve(message, response),
  );
  server.listen(options.listen?.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => [...records],
    replaceAccounts: (accounts) => {
      ({ findCredential, findRole } = indexAccounts(accounts));
    },
    expireSessions: () => sessions.expire(now()),
    fail: (fault, times = 1) => faults.add(fault, times),
    delay: (milliseconds) => {
      delay = milliseconds;
    },
    heal: () => {
      faults.clear();
      delay = 0;
    },
    stop: async () => {
      stopping.abort();
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function indexAccounts(accounts: readonly Account[]): Pick<World, 'findCredential' | 'findRole'> {
  return { findCredential: indexCredentials(accounts), findRole: indexRoles(accounts) };
}

function send(response: ServerResponse, status: number, xml: string, requestId: string): void {
  response.writeHead(status, {
    'content-type': 'text/xml',
    'content-length': Buffer.byteLength(xml),
    'x-amzn-RequestId': requestId,
  });
  response.end(xml);
}
