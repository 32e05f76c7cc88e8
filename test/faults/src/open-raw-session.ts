import type { SecureClientSessionOptions } from 'node:http2';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { OperationKind } from '@planton/api/runner/v1/operation';
import {
  type OpenSessionRequest,
  OpenSessionRequestSchema,
  type OpenSessionResponse,
  OpenSessionResponseSchema,
} from '@planton/api/runner/v1/runner_gateway';
import type { AttemptReference, GatewayGoodbye, HelloSchema, Result } from '@planton/api/runner/v1/session';
import type { RunnerCredentials } from '@planton/enrolment';
import { waitUntil } from './wait-until.ts';

export const OPEN_SESSION = '/planton.runner.v1.RunnerGateway/OpenSession';

type Init = Exclude<MessageInitShape<typeof OpenSessionRequestSchema>, OpenSessionRequest>;
export type UpFrame = NonNullable<Init['frame']>;
type DownFrame = OpenSessionResponse['frame'];
type DownCase = NonNullable<DownFrame['case']>;
type ValueOf<Case extends DownCase> = Extract<DownFrame, { case: Case }>['value'];

/** How a stream ended. */
export interface StreamEnd {
  readonly goodbye?: GatewayGoodbye;
  /** Of the trailers, or of an answer without a body. */
  readonly grpcStatus?: string;
  readonly httpStatus?: number;
  /** Code of the HTTP/2 or TLS error. */
  readonly error?: string;
}

/** One stream of OpenSession over HTTP/2, made by hand: every byte of it is a test's. */
export interface RawSession {
  readonly http2: ClientHttp2Session;
  readonly stream: ClientHttp2Stream;
  /** What came, oldest first. */
  readonly received: readonly OpenSessionResponse[];
  /** Writes bytes to the stream as they are. */
  write(bytes: Uint8Array): void;
  /** Sends a message under the number that it has. */
  sendAs(sequence: bigint, frame?: UpFrame): void;
  /** Sends a frame under the next number. */
  send(frame: UpFrame): void;
  hello(given?: Partial<MessageInitShape<typeof HelloSchema>>): void;
  /** Says hello and waits for the welcome. */
  open(given?: Partial<MessageInitShape<typeof HelloSchema>>): Promise<RawSession>;
  /** Reports a ping as carried out, or otherwise. */
  report(attempt: AttemptReference | undefined, outcome?: Result['outcome']): void;
  /** The frames of a kind so far, once there are that many. */
  frames<Case extends DownCase>(name: Case, count?: number): Promise<ValueOf<Case>[]>;
  /** Resolves with the goodbye, or when the stream has ended without one. */
  ended(): Promise<StreamEnd>;
  close(): void;
}

export const PONG: Result['outcome'] = {
  case: 'succeeded',
  value: {
    $typeName: 'planton.runner.v1.OperationOutput',
    kind: { case: 'ping', value: { $typeName: 'planton.runner.v1.PingOutput', version: 'raw' } },
  },
};

/** A message with the five bytes that gRPC puts before it. */
export function envelope(message: Uint8Array, flags = 0, length = message.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(flags, 0);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, message]);
}

/** Dials the gateway as the instance and opens a stream; says nothing yet. */
export function openRawSession(
  { gatewayAddress, caBundle, certificate, privateKey }: RunnerCredentials,
  options: SecureClientSessionOptions = {},
): RawSession {
  const http2 = connect(`https://${gatewayAddress}`, {
    ca: caBundle,
    cert: certificate,
    key: privateKey,
    ...options,
  });
  return openStream(http2);
}

/** Opens a stream of OpenSession on a connection that is there. */
export function openStream(http2: ClientHttp2Session): RawSession {
  const stream = http2.request({
    ':method': 'POST',
    ':path': OPEN_SESSION,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
  });
  const received: OpenSessionResponse[] = [];
  const end: { -readonly [Key in keyof StreamEnd]: StreamEnd[Key] } = {};
  let over = false;
  let rest = Buffer.alloc(0);
  let sequence = 0n;

  const fail = (error: NodeJS.ErrnoException) => {
    end.error ??= error.code ?? error.message;
    over = true;
  };
  http2.on('error', fail);
  http2.on('close', () => {
    over = true;
  });
  stream.on('error', fail);
  stream.on('close', () => {
    over = true;
  });
  const noteStatus = (headers: NodeJS.Dict<string | string[] | number>) => {
    if (headers['grpc-status'] !== undefined) end.grpcStatus = String(headers['grpc-status']);
    if (headers[':status'] !== undefined) end.httpStatus = Number(headers[':status']);
  };
  stream.on('response', noteStatus);
  stream.on('trailers', noteStatus);
  stream.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const length = rest.readUInt32BE(1);
      const message = fromBinary(OpenSessionResponseSchema, rest.subarray(5, 5 + length));
      rest = rest.subarray(5 + length);
      received.push(message);
      if (message.frame.case === 'goodbye') end.goodbye = message.frame.value;
    }
  });

  const session: RawSession = {
    http2,
    stream,
    received,
    write: (bytes) => void stream.write(bytes),
    sendAs: (number, frame) => {
      const message = create(OpenSessionRequestSchema, { sequence: number, ...(frame ? { frame } : {}) });
      stream.write(envelope(toBinary(OpenSessionRequestSchema, message)));
    },
    send: (frame) => {
      sequence += 1n;
      session.sendAs(sequence, frame);
    },
    hello: (given = {}) => session.send(helloFrame(given)),
    open: async (given) => {
      session.hello(given);
      await session.frames('welcome');
      return session;
    },
    report: (attempt, outcome = PONG) => session.send(resultFrame(attempt, outcome)),
    frames: <Case extends DownCase>(name: Case, count = 1) =>
      waitUntil(`${count} × ${name}`, () => {
        const found = received.flatMap(({ frame }) =>
          frame.case === name ? [frame.value as ValueOf<Case>] : [],
        );
        if (found.length < count && over)
          throw new Error(`the stream ended without ${name}: ${JSON.stringify(end)}`);
        return found.length >= count && found;
      }),
    ended: () => waitUntil('the end of the stream', () => (over || end.goodbye) && end),
    close: () => http2.destroy(),
  };
  return session;
}

export function helloFrame(given: Partial<MessageInitShape<typeof HelloSchema>> = {}): UpFrame {
  return {
    case: 'hello',
    value: {
      version: 'raw',
      processUid: 'raw-process',
      maxInFlight: 10,
      kinds: [OperationKind.PING],
      ...(given as object),
    },
  };
}

export function resultFrame(attempt: AttemptReference | undefined, outcome: Result['outcome']): UpFrame {
  return {
    case: 'result',
    value: { $typeName: 'planton.runner.v1.Result', ...(attempt ? { attempt } : {}), outcome },
  };
}
