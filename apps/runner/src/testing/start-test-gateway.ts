import { once } from 'node:events';
import { createSecureServer, type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import {
  Code,
  ConnectError,
  createConnectRouter,
  createContextKey,
  createContextValues,
} from '@connectrpc/connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { OperationInputSchema } from '@planton/api/runner/v1/operation';
import type { RunnerCertificate } from '@planton/api/runner/v1/runner';
import {
  type OpenSessionRequest,
  OpenSessionResponseSchema,
  RunnerGateway,
} from '@planton/api/runner/v1/runner_gateway';
import { GatewayGoodbyeReason, type Hello, type Result } from '@planton/api/runner/v1/session';
import type { TestAuthority } from '@planton/enrolment/testing';
import { waitFor } from './wait-for.ts';

type Frame = NonNullable<MessageInitShape<typeof OpenSessionResponseSchema>['frame']>;
type Up = OpenSessionRequest['frame'];

/** One session, as the gateway sees it. */
export interface TestSession {
  readonly hello: Hello;
  /** Who the certificate says it is. */
  readonly instanceUid: string;
  readonly generation: number;
  /** Every frame that came, the hello first. */
  readonly frames: Up[];
  /** Numbers of the frames. */
  readonly sequences: bigint[];
  isOver: boolean;
  /** Sends a frame with the next number. */
  send(frame: Frame): void;
  /** Sends a frame with a number of one's own. */
  sendRaw(sequence: bigint, frame: Frame | undefined): void;
  /** Has an operation carried out, as attempt 1 for 30 seconds where nothing else is said. */
  assign(
    operationUid: string,
    kind: NonNullable<MessageInitShape<typeof OperationInputSchema>['kind']>,
    more?: { readonly attempt?: number; readonly timeoutMs?: number; readonly resultPublicKey?: Uint8Array },
  ): void;
  goodbye(reason: keyof typeof GatewayGoodbyeReason): void;
  /** Ends the TCP connection without a word. */
  cut(): void;
  /** The result of an operation, once it has come. */
  result(operationUid: string): Promise<Result>;
  results(operationUid: string): Result[];
  /** The first frame of a case, once it has come. */
  frame<Case extends Up['case']>(name: Case): Promise<Extract<Up, { case: Case }>['value']>;
}

export interface TestGateway {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly sessions: TestSession[];
  /** Handshakes that were done. */
  connections(): number;
  /** What the gateway does by itself. */
  readonly does: {
    /** Whether it welcomes; without it the runner waits in vain. */
    welcome: boolean;
    /** Ends the connection right after the handshake. */
    slamDoor: boolean;
    /** Answers every session with an error. */
    refuse: boolean;
    /** Acknowledges results. */
    acknowledge: boolean;
    /** Keeps these attempts of a hello; all when undefined. */
    keep: ((operationUid: string) => boolean) | undefined;
    heartbeatMs: number;
    renewAfterTime: Date | undefined;
    /** Answers RenewCertificate. */
    renew: ((instanceUid: string) => Promise<RunnerCertificate>) | undefined;
  };
  /** The session with the number, from 0, once it has said hello. */
  session(index: number): Promise<TestSession>;
  /** The certificate of new connections. */
  show(tls: { readonly cert: string; readonly key: string }): void;
  /** Ends every connection, and listens no more until `start`. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** A gateway that does what a test wants, over real mutual TLS. */
export async function startTestGateway(
  authority: TestAuthority,
  options: {
    readonly hosts?: readonly string[];
    readonly tls?: { readonly cert: string; readonly key: string };
  } = {},
): Promise<TestGateway> {
  const tls =
    options.tls ?? (await authority.issueGateway({ hosts: options.hosts ?? ['127.0.0.1', 'localhost'] }));
  const socketKey = createContextKey<TLSSocket | undefined>(undefined);
  const sessions: TestSession[] = [];
  const open = new Set<Socket>();
  let connections = 0;
  const does: TestGateway['does'] = {
    welcome: true,
    slamDoor: false,
    refuse: false,
    acknowledge: true,
    keep: undefined,
    heartbeatMs: 50,
    renewAfterTime: undefined,
    renew: undefined,
  };

  const router = createConnectRouter().service(RunnerGateway, {
    openSession: async function* (requests, context) {
      if (does.refuse) throw new ConnectError('who are you', Code.Unauthenticated);
      const socket = context.values.get(socketKey);
      const outbox = createQueue<MessageInitShape<typeof OpenSessionResponseSchema>>();
      const session = createSession(socket, outbox.push);
      const read = async () => {
        for await (const { sequence, frame } of requests) {
          session.sequences.push(sequence);
          session.frames.push(frame);
          if (frame.case === 'hello') {
            Object.assign(session, { hello: frame.value });
            sessions.push(session);
            greet(session);
          } else if (frame.case === 'result' && does.acknowledge && frame.value.attempt) {
            session.send({ case: 'ack', value: { attempt: frame.value.attempt } });
          } else if (frame.case === 'goodbye') break;
        }
      };
      read()
        .catch(() => {})
        .finally(() => {
          session.isOver = true;
          outbox.end();
        });
      yield* outbox.items;
    },
    renewCertificate: async (_, context) => {
      const socket = context.values.get(socketKey);
      if (!does.renew || !socket) throw new ConnectError('not now', Code.Unavailable);
      return { certificate: await does.renew(nameOf(socket).instanceUid) };
    },
  });
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const answer = async (request: Http2ServerRequest, response: Http2ServerResponse) => {
    const socket = request.stream.session?.socket as TLSSocket;
    const context = createContextValues().set(socketKey, socket);
    const handler = handlers.get(request.url);
    if (!handler) throw new Error(`no handler for ${request.url}`);
    const universal = universalRequestFromNodeRequest(request, response, undefined, context);
    await universalResponseToNodeResponse(await handler(universal), response);
  };
  function greet(session: TestSession): void {
    if (!does.welcome) return;
    session.send({
      case: 'welcome',
      value: {
        sessionUid: `session-${sessions.length}`,
        gatewayUid: 'gateway-1',
        heartbeatInterval: { seconds: 0n, nanos: does.heartbeatMs * 1_000_000 },
        renewAfterTime: timestampFromDate(does.renewAfterTime ?? new Date(Date.now() + 86_400_000)),
      },
    });
    const { inFlight, unacknowledged } = session.hello;
    const named = [...inFlight, ...unacknowledged];
    const keep = named.filter(({ operationUid }) => does.keep?.(operationUid) ?? true);
    if (named.length > 0) session.send({ case: 'reconcile', value: { keep } });
  }

  const server = createSecureServer(
    {
      ...tls,
      ca: authority.caBundle,
      requestCert: true,
      rejectUnauthorized: true,
      allowHTTP1: false,
    },
    (request, response) => {
      answer(request, response).catch(() => request.stream.destroy());
    },
  );
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
  });
  server.on('secureConnection', (socket: TLSSocket) => {
    connections += 1;
    if (does.slamDoor) socket.destroy();
  });
  server.on('sessionError', () => {});
  server.on('tlsClientError', () => {});

  const start = async (port: number) => {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  };
  await start(0);
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    sessions,
    connections: () => connections,
    does,
    session: (index) => waitFor(`session ${index}`, () => sessions[index]),
    show: (shown) => server.setSecureContext({ ...shown, ca: authority.caBundle }),
    start: () => start(port),
    stop: async () => {
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function createSession(
  socket: TLSSocket | undefined,
  push: (message: MessageInitShape<typeof OpenSessionResponseSchema>) => void,
): TestSession {
  let sequence = 0n;
  const session: TestSession = {
    hello: {} as Hello,
    ...(socket ? nameOf(socket) : { instanceUid: '', generation: 0 }),
    frames: [],
    sequences: [],
    isOver: false,
    send: (frame) => {
      sequence += 1n;
      push({ sequence, frame });
    },
    sendRaw: (number, frame) => push({ sequence: number, ...(frame ? { frame } : {}) }),
    assign: (operationUid, kind, { attempt = 1, timeoutMs = 30_000, resultPublicKey } = {}) =>
      session.send({
        case: 'assignment',
        value: {
          attempt: { operationUid, attempt },
          input: { kind },
          timeout: { seconds: BigInt(Math.floor(timeoutMs / 1_000)), nanos: (timeoutMs % 1_000) * 1_000_000 },
          ...(resultPublicKey ? { resultPublicKey } : {}),
        },
      }),
    goodbye: (reason) =>
      session.send({
        case: 'goodbye',
        value: { reason: GatewayGoodbyeReason[reason], message: 'because of the test' },
      }),
    cut: () => void socket?.destroy(),
    results: (operationUid) =>
      session.frames.flatMap((frame) =>
        frame.case === 'result' && frame.value.attempt?.operationUid === operationUid ? [frame.value] : [],
      ),
    result: (operationUid) => waitFor(`result of ${operationUid}`, () => session.results(operationUid)[0]),
    frame: (name) =>
      waitFor(`frame ${name}`, () => session.frames.find((frame) => frame.case === name)).then(
        (found) => found.value as never,
      ),
  };
  return session;
}

function nameOf(socket: TLSSocket): { readonly instanceUid: string; readonly generation: number } {
  const { subjectaltname = '' } = socket.getPeerCertificate();
  const [, instanceUid = '', generation] = /instance:([^:]+):(\d+)$/.exec(subjectaltname) ?? [];
  return { instanceUid, generation: Number(generation) };
}

interface Queue<Item> {
  readonly items: AsyncIterable<MessageInitShape<typeof OpenSessionResponseSchema>>;
  push(item: Item): void;
  end(): void;
}

function createQueue<Item extends MessageInitShape<typeof OpenSessionResponseSchema>>(): Queue<Item> {
  const items: Item[] = [];
  let isEnded = false;
  let wake = () => {};
  return {
    push: (item) => {
      items.push(item);
      wake();
    },
    end: () => {
      isEnded = true;
      wake();
    },
    items: (async function* () {
      for (;;) {
        const item = items.shift();
        if (item) yield create(OpenSessionResponseSchema, item);
        else if (isEnded) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    })(),
  };
}
