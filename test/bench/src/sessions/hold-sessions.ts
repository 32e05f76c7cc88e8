/**
 * A client process that opens sessions and holds them. It takes `Orders` on the channel to its parent and answers each with a
 * `Report`; the same client measures the gateway and the bare libraries.
 */
import { create } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { OperationKind } from '@planton/api/runner/v1/operation';
import {
  type OpenSessionRequest,
  OpenSessionRequestSchema,
  type OpenSessionResponse,
  RunnerGateway,
} from '@planton/api/runner/v1/runner_gateway';

/** What the parent asks for. */
export type Orders =
  | {
      readonly do: 'open';
      readonly url: string;
      readonly ca: string;
      readonly key: string;
      /** Certificates in PEM, one per session. */
      readonly certificates: readonly string[];
      readonly concurrency: number;
    }
  /** Sends frames and counts answers on the first session: `inFlight` at a time, `count` in all. */
  | { readonly do: 'ping-pong'; readonly count: number; readonly inFlight: number }
  | { readonly do: 'close' };

/** What the child answers: how long it took, in milliseconds, and how many sessions are open. */
export interface Report {
  readonly ms: number;
  readonly open: number;
}

type Frame = OpenSessionRequest['frame'];

/** A queue of frames to send, as the iterable that the client wants. */
class Outbox implements AsyncIterable<OpenSessionRequest> {
  #sequence = 0n;
  #waiting: ((result: IteratorResult<OpenSessionRequest>) => void) | undefined;
  #frames: OpenSessionRequest[] = [];
  #ended = false;

  send(frame: Frame): void {
    this.#sequence += 1n;
    const message = create(OpenSessionRequestSchema, { sequence: this.#sequence, frame });
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting({ done: false, value: message });
    else this.#frames.push(message);
  }

  end(): void {
    this.#ended = true;
    this.#waiting?.({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): AsyncIterator<OpenSessionRequest> {
    return {
      next: () => {
        const value = this.#frames.shift();
        if (value) return Promise.resolve({ done: false, value });
        if (this.#ended) return Promise.resolve({ done: true, value: undefined });
        return new Promise((resolve) => {
          this.#waiting = resolve;
        });
      },
      throw: (error: unknown) => Promise.reject(error),
    };
  }
}

interface Session {
  readonly outbox: Outbox;
  onFrame: ((frame: OpenSessionResponse) => void) | undefined;
}

const sessions: Session[] = [];

async function openSession(order: Extract<Orders, { do: 'open' }>, cert: string): Promise<Session> {
  const transport = createGrpcTransport({
    baseUrl: order.url,
    nodeOptions: { ca: order.ca, key: order.key, cert },
  });
  const outbox = new Outbox();
  outbox.send({
    case: 'hello',
    value: {
      $typeName: 'planton.runner.v1.Hello',
      version: 'bench',
      processUid: `bench-${sessions.length}-${Math.random()}`,
      maxInFlight: 100,
      kinds: [OperationKind.PING],
      inFlight: [],
      unacknowledged: [],
    },
  });
  const answers = createClient(RunnerGateway, transport).openSession(outbox, { timeoutMs: 0 });
  const session: Session = { outbox, onFrame: undefined };
  const welcomed = Promise.withResolvers<void>();
  const read = async () => {
    for await (const answer of answers) {
      if (answer.frame.case === 'goodbye') throw new Error(answer.frame.value.message);
      if (session.onFrame) session.onFrame(answer);
      else welcomed.resolve();
    }
  };
  read().then(
    () => welcomed.reject(new Error('the session ended')),
    (error) => welcomed.reject(error),
  );
  await welcomed.promise;
  session.onFrame = (answer) => answerAssignment(outbox, answer);
  sessions.push(session);
  return session;
}

/** Does what a runner does for a ping, at once. */
function answerAssignment(outbox: Outbox, { frame }: OpenSessionResponse): void {
  if (frame.case !== 'assignment' || !frame.value.attempt) return;
  outbox.send({
    case: 'result',
    value: {
      $typeName: 'planton.runner.v1.Result',
      attempt: frame.value.attempt,
      outcome: {
        case: 'succeeded',
        value: {
          $typeName: 'planton.runner.v1.OperationOutput',
          kind: { case: 'ping', value: { $typeName: 'planton.runner.v1.PingOutput', version: 'bench' } },
        },
      },
    },
  });
}

async function pingPong(count: number, inFlight: number): Promise<void> {
  const [session] = sessions;
  if (!session) throw new Error('no session is open');
  const heartbeat: Frame = {
    case: 'heartbeat',
    value: { $typeName: 'planton.runner.v1.Heartbeat', inFlight: 0 },
  };
  let sent = 0;
  let received = 0;
  const done = Promise.withResolvers<void>();
  session.onFrame = () => {
    received += 1;
    if (received === count) done.resolve();
    else if (sent < count) {
      sent += 1;
      session.outbox.send(heartbeat);
    }
  };
  for (; sent < inFlight; sent++) session.outbox.send(heartbeat);
  await done.promise;
}

async function carryOut(order: Orders): Promise<void> {
  if (order.do === 'open') {
    const left = [...order.certificates];
    const work = async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) await openSession(order, next);
    };
    await Promise.all(Array.from({ length: order.concurrency }, work));
  } else if (order.do === 'ping-pong') await pingPong(order.count, order.inFlight);
  else for (const { outbox } of sessions.splice(0)) outbox.end();
}

process.on('message', (order: Orders) => {
  const started = performance.now();
  carryOut(order).then(
    () => process.send?.({ ms: performance.now() - started, open: sessions.length } satisfies Report),
    (error: unknown) => {
      process.stderr.write(`${error}\n`);
      process.exit(1);
    },
  );
});
