import { connect as connectTls, type TLSSocket } from 'node:tls';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { OperationKind } from '@planton/api/runner/v1/operation';
import {
  type OpenSessionRequest,
  OpenSessionRequestSchema,
  type OpenSessionResponse,
  RunnerGateway,
} from '@planton/api/runner/v1/runner_gateway';
import type { Assignment, GatewayGoodbye, HelloSchema, Result } from '@planton/api/runner/v1/session';

/** What an instance dials with. */
export interface RunnerIdentity {
  readonly instanceUid: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export type UpFrame = NonNullable<
  Exclude<MessageInitShape<typeof OpenSessionRequestSchema>, OpenSessionRequest>['frame']
>;
type DownFrame = OpenSessionResponse['frame'];
type DownCase = NonNullable<DownFrame['case']>;
type ValueOf<Case extends DownCase> = Extract<DownFrame, { case: Case }>['value'];

/** Milliseconds that a frame is waited for. */
const FRAME_LIMIT_MS = 20_000;

/** One stream of a runner over real mutual TLS, whose every frame a test chooses. */
export interface FakeSession {
  readonly identity: RunnerIdentity;
  /** Whatever came, oldest first. */
  readonly received: readonly OpenSessionResponse[];
  /** Sends a frame under the next number. */
  send(frame: UpFrame): void;
  /** Sends a message as it is. */
  sendRaw(message: MessageInitShape<typeof OpenSessionRequestSchema>): void;
  hello(given?: MessageInitShape<typeof HelloSchema>): void;
  result(assignment: Pick<Assignment, 'attempt'>, outcome: Result['outcome'], rest?: Partial<Result>): void;
  /** Waits for the next frame of a case that was not waited for yet. Rejects when the stream ends without one. */
  next<Case extends DownCase>(name: Case): Promise<ValueOf<Case>>;
  /** How the stream ended, with the goodbye if there was one. */
  readonly ended: Promise<{ readonly goodbye: GatewayGoodbye | undefined; readonly error: unknown }>;
  /** Calls RenewCertificate on the same connection. */
  renew(): ReturnType<ReturnType<typeof createClient<typeof RunnerGateway>>['renewCertificate']>;
  /** Stops taking frames from the stream, so that they gather on the other side. */
  stopReading(): void;
  /** Ends the connection as a pulled cable does, for this side. */
  cut(): void;
  /** Half-closes the stream. */
  end(): void;
}

export const PONG: Result['outcome'] = {
  case: 'succeeded',
  value: {
    $typeName: 'planton.runner.v1.OperationOutput',
    kind: { case: 'ping', value: { $typeName: 'planton.runner.v1.PingOutput', version: 'test' } },
  },
};

/** Opens a stream and says nothing yet. */
export function openFakeSession(url: string, identity: RunnerIdentity): FakeSession {
  const { host, hostname, port } = new URL(url);
  const sockets: TLSSocket[] = [];
  const transport = createGrpcTransport({
    baseUrl: `https://${host}`,
    nodeOptions: {
      createConnection: () => {
        const { ca, cert, key } = identity;
        const socket = connectTls({
          host: hostname,
          port: Number(port),
          ca,
          cert,
          key,
          ALPNProtocols: ['h2'],
        });
        sockets.push(socket);
        return socket;
      },
    },
  });
  const client = createClient(RunnerGateway, transport);
  const outbox = new Outbox();
  const received: OpenSessionResponse[] = [];
  const taken = new Map<DownCase, number>();
  const ended = Promise.withResolvers<{ goodbye: GatewayGoodbye | undefined; error: unknown }>();
  let over = false;
  let reading = true;
  const wake: (() => void)[] = [];
  const wakeAll = () => {
    for (const waiter of wake.splice(0)) waiter();
  };
  const read = async () => {
    for await (const frame of client.openSession(outbox, { timeoutMs: 0 })) {
      received.push(frame);
      wakeAll();
      if (!reading) await new Promise(() => {});
    }
  };
  const finish = (error: unknown) => {
    over = true;
    const last = received.at(-1)?.frame;
    ended.resolve({ goodbye: last?.case === 'goodbye' ? last.value : undefined, error });
    wakeAll();
    for (const socket of sockets) socket.destroy();
  };
  read().then(() => finish(undefined), finish);

  const session: FakeSession = {
    identity,
    received,
    send: (frame) => outbox.send({ sequence: outbox.nextSequence(), frame }),
    sendRaw: (message) => outbox.send(message),
    hello: (given = {}) =>
      session.send({
        case: 'hello',
        value: {
          version: 'test',
          processUid: 'process-1',
          maxInFlight: 10,
          kinds: [
            OperationKind.PING,
            OperationKind.VERIFY_AWS_ACCESS,
            OperationKind.ISSUE_AWS_CREDENTIALS,
            OperationKind.DESCRIBE_AWS_IDENTITY,
            OperationKind.VERIFY_AWS_TRUST,
          ],
          ...(given as object),
        },
      }),
    result: ({ attempt }, outcome, rest = {}) =>
      session.send({
        case: 'result',
        value: { ...(attempt ? { attempt } : {}), outcome, ...rest } as Result,
      }),
    next: async (name) => {
      const index = taken.get(name) ?? 0;
      taken.set(name, index + 1);
      const deadline = Date.now() + FRAME_LIMIT_MS;
      for (;;) {
        const found = received.filter(({ frame }) => frame.case === name)[index];
        if (found) return found.frame.value as ValueOf<typeof name>;
        if (over)
          throw new Error(
            `the session ended without ${name}: ${JSON.stringify(received.at(-1)?.frame.value)}`,
          );
        if (Date.now() > deadline) throw new Error(`no ${name} came`);
        await new Promise<void>((resolve) => {
          const limit = setTimeout(resolve, 1_000);
          wake.push(() => {
            clearTimeout(limit);
            resolve();
          });
        });
      }
    },
    ended: ended.promise,
    renew: () => client.renewCertificate({}),
    stopReading: () => {
      reading = false;
    },
    cut: () => {
      for (const socket of sockets) socket.destroy();
    },
    end: () => outbox.end(),
  };
  return session;
}

/** The frames to send, as the iterable that the client takes. */
class Outbox implements AsyncIterable<OpenSessionRequest> {
  #sequence = 0n;
  #frames: OpenSessionRequest[] = [];
  #waiting: (() => void) | undefined;
  #ended = false;

  nextSequence(): bigint {
    this.#sequence += 1n;
    return this.#sequence;
  }

  send(message: MessageInitShape<typeof OpenSessionRequestSchema>): void {
    this.#frames.push(create(OpenSessionRequestSchema, message));
    this.#waiting?.();
  }

  end(): void {
    this.#ended = true;
    this.#waiting?.();
  }

  async *[Symbol.asyncIterator]() {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame) yield frame;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#waiting = resolve;
        });
    }
  }
}
