import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type OpenSessionRequest, OpenSessionRequestSchema } from '@planton/api/runner/v1/runner_gateway';

export type RunnerFrame = NonNullable<MessageInitShape<typeof OpenSessionRequestSchema>['frame']>;

/** Frames that may wait before steps and heartbeats are left out. What has to arrive is bounded by the attempts. */
const MOST_OPTIONAL = 1_000;

/** The frames of one session that are to be sent, numbered in the order in which they leave. */
export interface Outbox {
  /** Read once, by the transport, as fast as the gateway takes them. */
  readonly frames: AsyncIterable<OpenSessionRequest>;
  /** Queues a frame; after the end it is dropped. */
  send(frame: RunnerFrame): void;
  /** What is queued is still sent, then the runner's side of the stream ends. */
  end(): void;
}

export function createOutbox(): Outbox {
  const queue: RunnerFrame[] = [];
  let sequence = 0n;
  let isEnded = false;
  let wake: (() => void) | undefined;

  const number = (frame: RunnerFrame): OpenSessionRequest => {
    sequence += 1n;
    return create(OpenSessionRequestSchema, { sequence, frame });
  };
  const next = async (): Promise<IteratorResult<OpenSessionRequest>> => {
    for (;;) {
      const frame = queue.shift();
      if (frame) return { done: false, value: number(frame) };
      if (isEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const end = () => {
    isEnded = true;
    wake?.();
  };
  return {
    frames: {
      [Symbol.asyncIterator]: () => ({
        next,
        return: async () => {
          end();
          return { done: true, value: undefined };
        },
        // The transport demands it, to end what it reads from when the connection is lost.
        throw: async () => {
          end();
          return { done: true, value: undefined };
        },
      }),
    },
    send: (frame) => {
      if (isEnded) return;
      const isOptional = frame.case === 'output' || frame.case === 'heartbeat';
      if (isOptional && queue.length >= MOST_OPTIONAL) return;
      queue.push(frame);
      wake?.();
    },
    end,
  };
}
