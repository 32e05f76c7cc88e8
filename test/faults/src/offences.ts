import { type OperationError, OperationErrorKind } from '@planton/api/runner/v1/operation';
import { envelope, helloFrame, type RawSession, type UpFrame } from './open-raw-session.ts';

const heartbeat: UpFrame = {
  case: 'heartbeat',
  value: { $typeName: 'planton.runner.v1.Heartbeat', inFlight: 0 },
};
export const attemptOf = (operationUid: string, attempt = 1) => ({
  $typeName: 'planton.runner.v1.AttemptReference' as const,
  operationUid,
  attempt,
});
export const accepted = (operationUid: string, attempt = 1): UpFrame => ({
  case: 'accepted',
  value: { $typeName: 'planton.runner.v1.Accepted', attempt: attemptOf(operationUid, attempt) },
});
export const output = (operationUid: string, name = 'working', attempt = 1): UpFrame => ({
  case: 'output',
  value: {
    $typeName: 'planton.runner.v1.Output',
    attempt: attemptOf(operationUid, attempt),
    step: { $typeName: 'planton.runner.v1.OperationStep', name, state: 1, detail: '' },
  },
});

export const failure: OperationError = {
  $typeName: 'planton.runner.v1.OperationError',
  kind: OperationErrorKind.INTERNAL,
  reason: 'MADE_UP',
  message: 'made up',
  hint: '',
  causes: [],
};

/** Varints and one length-delimited field: a frame of release 2. */
const futureFrame = Buffer.from([0x08, 0x02, 0x9a, 0x06, 0x02, 0x08, 0x01]);

/** Ways to break the protocol, each with what the gateway says of it. */
export const offences: readonly [name: string, misbehave: (session: RawSession) => unknown, why: RegExp][] = [
  ['a frame before the hello', (it) => it.send(heartbeat), /first frame has to be a hello/],
  [
    'a frame while the hello is looked at',
    (it) => [it.hello(), it.hello()],
    /second hello|before the welcome/,
  ],
  ['a second hello', (it) => it.open().then(() => it.hello()), /second hello/],
  [
    'a frame of a later release',
    (it) => it.open().then(() => it.write(envelope(futureFrame))),
    /does not know/,
  ],
  ['a frame that says nothing', (it) => it.open().then(() => it.sendAs(2n)), /does not know/],
  ['an empty message', (it) => it.open().then(() => it.write(envelope(Buffer.alloc(0)))), /numbered 0/],
  ['a number left out', (it) => it.open().then(() => it.sendAs(3n, heartbeat)), /frame 2 is numbered 3/],
  ['a number twice', (it) => it.open().then(() => it.sendAs(1n, heartbeat)), /frame 2 is numbered 1/],
  [
    'numbers out of order',
    (it) => it.open().then(() => [it.sendAs(3n, heartbeat), it.sendAs(2n, heartbeat)]),
    /numbered 3/,
  ],
  ['numbers from 0', (it) => it.sendAs(0n, helloFrame()), /frame 1 is numbered 0/],
  ['numbers from the end', (it) => it.sendAs(2n ** 64n - 1n, helloFrame()), /numbered 18446744073709551615/],
  ['no protobuf', (it) => it.open().then(() => it.write(envelope(Buffer.alloc(40, 0xff)))), /cannot be read/],
  [
    'no protobuf for a hello',
    (it) => it.write(envelope(Buffer.from('GET / HTTP/1.1\r\n\r\n'))),
    /cannot be read/,
  ],
  [
    'a compressed frame',
    (it) => it.open().then(() => it.write(envelope(Buffer.alloc(40, 1), 1))),
    /cannot be read/,
  ],
  [
    'an oversized frame',
    (it) => it.open().then(() => it.send(output('x', 'x'.repeat(300_000)))),
    /too large/,
  ],
  [
    'a length of 4 GB',
    (it) => it.open().then(() => it.write(envelope(Buffer.alloc(9), 0, 0xffff_ffff))),
    /too large/,
  ],
  ['no room at all', (it) => it.hello({ maxInFlight: 0 }), /not valid.*max_in_flight/i],
  ['room without end', (it) => it.hello({ maxInFlight: 1_000_000 }), /not valid.*max_in_flight/i],
  ['a process without a name', (it) => it.hello({ processUid: '' }), /not valid.*process_uid/i],
  [
    'too many attempts',
    (it) => it.hello({ inFlight: Array.from({ length: 1_001 }, (_, i) => attemptOf(`${i}`)) }),
    /not valid.*in_flight/i,
  ],
  [
    'a host that is described at length',
    (it) => it.hello({ host: { hostname: 'x'.repeat(5_000) } }),
    /host are too large/,
  ],
  [
    'an attempt that was never given out',
    (it) => it.open().then(() => it.send(accepted('made-up'))),
    /was not given/,
  ],
  ['a step of no operation', (it) => it.open().then(() => it.send(output('made-up'))), /was not given/],
  [
    'a result of no operation',
    (it) => it.open().then(() => it.report(attemptOf('made-up'))),
    /not this instance's/,
  ],
  ['a result without an attempt', (it) => it.open().then(() => it.report(undefined)), /not valid.*attempt/i],
  [
    'a result without an outcome',
    (it) => it.open().then(() => it.report(attemptOf('x'), { case: undefined })),
    /not valid.*outcome/i,
  ],
];
