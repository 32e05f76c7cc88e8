import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type OpenSessionResponse, OpenSessionResponseSchema } from '@planton/api/runner/v1/runner_gateway';
import type { TlsConnection } from '@planton/rpc';
import { AWAITING_HELLO, type Ending, nextState, type SessionState } from './session-state.ts';

/** Frames that may wait for a runner that does not read, beside one to begin and one to end each operation of its own, before it is cut. */
const SPARE_QUEUE = 256;
/** With more frames than this waiting, and none taken for a while, the session is given no further operation. */
const CROWDED_QUEUE = 32;
/** Milliseconds after which a crowd of frames means that the runner does not read: a burst alone gathers as many in one turn. */
const STALLED_MS = 1_000;

type Init = Exclude<MessageInitShape<typeof OpenSessionResponseSchema>, OpenSessionResponse>;
export type DownFrame = NonNullable<Init['frame']>;

/** A registration with the sessions that its instances have on this replica. */
export interface Pool {
  readonly runnerUid: string;
  readonly organizationUid: string;
  readonly slug: string;
  readonly sessions: Session[];
}

/** One delivery of an operation to a session of this replica. */
export interface Attempt {
  readonly uid: string;
  readonly attempt: number;
  /** Name of its kind. */
  readonly kind: string;
  readonly session: Session;
  readonly requesterReplicaUid: string;
  /** By the monotonic clock. */
  readonly deadline: number;
  /** Steps that were taken so far. */
  steps: number;
  /** Resolves once the steps are on record; absent where there are none. */
  stepsWritten?: Promise<void>;
  /** Whether the runner was asked to end it early. */
  cancelSent: boolean;
  /** Whether its result is being written. */
  reported: boolean;
}

/**
 * One session: what its owner loop knows, and the queue of frames that the transport takes from it. Thousands of them are idle at once,
 * so that it has no timer, no closure and no map of its own until there is work.
 */
export class Session implements AsyncIterableIterator<OpenSessionResponse> {
  readonly uid: string;
  readonly instanceUid: string;
  /** Of the certificate that the connection showed. */
  readonly generation: number;
  readonly connection: TlsConnection;
  state: SessionState = AWAITING_HELLO;
  /** When the state began, by the monotonic clock. */
  since: number;
  /** When a frame last came. */
  heardAt: number;
  /** Number of the last frame that came. */
  framesIn = 0;
  /** Set when the hello was accepted. */
  pool: Pool | undefined;
  kinds: ReadonlySet<string> = NONE;
  maxInFlight = 0;
  /** Slots that are taken for operations which are not on record yet. */
  reserved = 0;
  /** No operation goes out before, after the runner had no room: by the monotonic clock. */
  pausedUntil = 0;
  readonly #monotonic: () => number;
  #attempts: Map<string, Attempt> | undefined;
  #framesOut = 0;
  #queue: OpenSessionResponse[] = [];
  /** When the frame at the head of the queue came to wait there. */
  #waitingSince = 0;
  #taker: ((result: IteratorResult<OpenSessionResponse>) => void) | undefined;

  constructor(facts: {
    readonly uid: string;
    readonly instanceUid: string;
    readonly generation: number;
    readonly connection: TlsConnection;
    readonly monotonic: () => number;
  }) {
    this.uid = facts.uid;
    this.instanceUid = facts.instanceUid;
    this.generation = facts.generation;
    this.connection = facts.connection;
    this.#monotonic = facts.monotonic;
    this.since = facts.monotonic();
    this.heardAt = this.since;
  }

  /** What it carries out now. */
  attempts(): Iterable<Attempt> {
    return this.#attempts?.values() ?? [];
  }

  attemptOf(uid: string, attempt: number): Attempt | undefined {
    const found = this.#attempts?.get(uid);
    return found?.attempt === attempt ? found : undefined;
  }

  get inFlight(): number {
    return this.reserved + (this.#attempts?.size ?? 0);
  }

  /** How much more it takes now. */
  room(now: number): number {
    if (this.state.name !== 'open' || now < this.pausedUntil) return 0;
    const stalled = this.#queue.length > CROWDED_QUEUE && now - this.#waitingSince > STALLED_MS;
    return stalled ? 0 : this.maxInFlight - this.inFlight;
  }

  addAttempt(attempt: Attempt): void {
    this.#attempts ??= new Map();
    this.#attempts.set(attempt.uid, attempt);
  }

  removeAttempt(attempt: Attempt): void {
    if (this.#attempts?.get(attempt.uid) !== attempt) return;
    this.#attempts.delete(attempt.uid);
    if (this.#attempts.size === 0) this.#attempts = undefined;
  }

  /**
   * Puts a frame into the queue. A runner that does not read is cut, since what waits for it has no bound otherwise; its owner loop then
   * finds the connection gone and ends the session.
   */
  send(frame: DownFrame): void {
    if (this.state.name === 'closed') return;
    if (this.#queue.length >= SPARE_QUEUE + 2 * this.maxInFlight) this.connection.cut();
    else this.#push(frame);
  }

  /** Ends the session once; says goodbye where that is the gateway's part. What waits in the queue still goes out before it. */
  end(ending: Ending, now: number): void {
    if (this.state.name === 'closed') return;
    this.state = nextState(this.state, { type: 'end', ending });
    this.since = now;
    if (ending.by === 'gateway') {
      const { reason, message } = ending;
      this.#push({ case: 'goodbye', value: { reason, message } });
    }
    this.#taker?.({ done: true, value: undefined });
    this.#taker = undefined;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<OpenSessionResponse>> {
    const value = this.#queue.shift();
    if (this.#queue.length > 0) this.#waitingSince = this.#monotonic();
    if (value) return Promise.resolve({ done: false, value });
    if (this.state.name === 'closed') return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => {
      this.#taker = resolve;
    });
  }

  /** The transport takes no more. The owner loop learns of it by the end of what it reads. */
  return(): Promise<IteratorResult<OpenSessionResponse>> {
    this.#queue = [];
    return Promise.resolve({ done: true, value: undefined });
  }

  #push(frame: DownFrame): void {
    this.#framesOut += 1;
    const value = create(OpenSessionResponseSchema, { sequence: BigInt(this.#framesOut), frame });
    const taker = this.#taker;
    this.#taker = undefined;
    if (taker) taker({ done: false, value });
    else if (this.#queue.push(value) === 1) this.#waitingSince = this.#monotonic();
  }
}

const NONE: ReadonlySet<string> = new Set();
