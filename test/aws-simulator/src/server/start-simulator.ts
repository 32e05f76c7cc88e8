import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError } from '../errors/aws-error.ts';
import type { Account } from '../identities/identity.ts';
import { indexCredentials } from '../identities/index-credentials.ts';
import { answerRequest, writeError } from './answer-request.ts';
import { readRequest } from './read-request.ts';
import type { RecordedCall } from './recorded-call.ts';

export interface AwsSimulatorOptions {
  readonly accounts: readonly Account[];
  /** Port on 127.0.0.1; a free one when absent or 0. */
  readonly listen?: { readonly port?: number };
  readonly now?: () => Date;
}

export interface AwsSimulator {
  /** The endpoint of every service, such as `http://127.0.0.1:4566`. */
  readonly url: string;
  /** The last thousand requests, oldest first, refused ones included. */
  requests(): readonly RecordedCall[];
  /** From now on there are these accounts and no others; throws as `startAwsSimulator` does, and then changes nothing. */
  replaceAccounts(accounts: readonly Account[]): void;
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
  let findCredential = indexCredentials(options.accounts);

  const remember = (record: RecordedCall): void => {
    records.push(record);
    if (records.length > MOST_RECORDS) records.shift();
  };

  const serve = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const requestId = randomUUID();
    try {
      const request = await readRequest(message);
      const { status, xml, record } = answerRequest(request, findCredential, requestId, now());
      remember(record);
      send(response, status, xml, requestId);
    } catch (error) {
      // A client that went away has nobody to be answered.
      if (!(error instanceof AwsError)) return void message.destroy();
      const { status, code } = error;
      remember({ requestId, time: now(), method: message.method ?? '', status, code });
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
      findCredential = indexCredentials(accounts);
    },
    stop: async () => {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function send(response: ServerResponse, status: number, xml: string, requestId: string): void {
  response.writeHead(status, {
    'content-type': 'text/xml',
    'content-length': Buffer.byteLength(xml),
    'x-amzn-RequestId': requestId,
  });
  response.end(xml);
}
