import type { Socket } from 'node:net';

/** How many connections are taken, and how far those get that have proved nothing yet. */
export interface ConnectionLimits {
  /** Connections at once, those in the handshake included. */
  readonly connections: number;
  /** Connections at once whose handshake is not done. */
  readonly unproved: number;
  /** Handshakes that are worked on at once; further ones wait in the order in which they came. */
  readonly handshakes: number;
  /** Milliseconds after which a handshake is slow: it no longer keeps others waiting, and is the first to go. */
  readonly slowAfterMs: number;
  /** Milliseconds that a connection may take to say its first byte, and then to prove who it is. */
  readonly handshakeMs: number;
}

/** The first byte of every TLS connection: a record of the handshake (RFC 8446, section 5.1). */
const HANDSHAKE_RECORD = 0x16;
/** Its type, a version, and its length in two bytes. */
const RECORD_HEADER_BYTES = 5;
const LARGEST_RECORD_BYTES = 16 * 1024;
/** A handshake is a millisecond or two of work, and nothing else is done meanwhile. */
const STARTS_PER_TURN = 4;

/**
 * - `silent`: nothing was heard, or not all of the first record
 * - `waiting`: its handshake waits for others
 * - `working`: its handshake is under way and keeps others waiting
 * - `slow`: its handshake is under way, for longer than it should be
 */
type Phase = 'silent' | 'waiting' | 'working' | 'slow';

interface Unproved {
  readonly socket: Socket;
  phase: Phase;
  /** When the phase began, by the monotonic clock. */
  since: number;
}

export interface Admission {
  /** Takes a connection that has just been accepted. */
  offer(socket: Socket): void;
  /** Says that the handshake of a connection is done. */
  proved(socket: AddressedSocket): void;
  /** Ends what takes too long. Called every now and then. */
  sweep(): void;
  /** Connections at once, and those among them that have proved nothing yet. */
  counts(): { readonly connections: number; readonly unproved: number };
  /** Ends every connection at once. */
  cutAll(): void;
}

type AddressedSocket = Pick<Socket, 'localAddress' | 'remoteAddress' | 'remotePort'>;

/**
 * Stands before the TLS handshakes. A stampede of runners is let in by and by, in order, so that no handshake runs into its time
 * limit only because all are worked on at once; whoever says nothing, garbage, or every byte slowly, keeps nobody waiting.
 *
 * @param start begins the handshake of a connection
 * @param dropped is told why a connection that proved nothing was ended
 */
export function admitConnections(settings: {
  readonly limits: ConnectionLimits;
  readonly now: () => number;
  readonly start: (socket: Socket) => void;
  readonly dropped: (reason: string) => void;
}): Admission {
  const { limits, now } = settings;
  /** Those that have proved nothing, oldest first. */
  const unproved = new Map<string, Unproved>();
  /** Those among them that may go when there are too many, oldest first. */
  const idle = new Set<Unproved>();
  const sockets = new Set<Socket>();
  const waiting = new Set<Unproved>();
  let working = 0;
  let scheduled = false;

  const enter = (entry: Unproved, phase: Phase) => {
    leave(entry);
    entry.phase = phase;
    entry.since = now();
    if (phase === 'waiting') waiting.add(entry);
    else if (phase === 'working') working += 1;
    else idle.add(entry);
  };
  const leave = (entry: Unproved) => {
    waiting.delete(entry);
    idle.delete(entry);
    if (entry.phase === 'working') working -= 1;
    entry.phase = 'silent';
  };
  /** Begins a few, and the next few on the next turn of the event loop: whatever else it has to do comes in between. */
  const admitNext = () => {
    if (scheduled) return;
    let started = 0;
    for (const entry of waiting) {
      if (working >= limits.handshakes) return;
      if (started === STARTS_PER_TURN) {
        scheduled = true;
        setImmediate(admitOnNextTurn);
        return;
      }
      started += 1;
      enter(entry, 'working');
      settings.start(entry.socket);
    }
  };
  const admitOnNextTurn = () => {
    scheduled = false;
    admitNext();
  };
  const drop = (entry: Unproved, reason: string) => {
    settings.dropped(reason);
    leave(entry);
    entry.socket.destroy();
  };
  const hear = (entry: Unproved, before: Buffer) => {
    const more: Buffer | null = entry.socket.read();
    if (!more) return drop(entry, 'CLOSED');
    const heard = before.length === 0 ? more : Buffer.concat([before, more]);
    const length = firstRecordBytes(heard);
    if (length === undefined) return drop(entry, 'NOT_TLS');
    if (heard.length < length) {
      entry.socket.once('readable', () => hear(entry, heard));
      return;
    }
    entry.socket.unshift(heard);
    enter(entry, 'waiting');
    admitNext();
  };
  const forget = (key: string, entry: Unproved) => {
    if (unproved.get(key) !== entry) return;
    unproved.delete(key);
    leave(entry);
    admitNext();
  };

  return {
    offer: (socket) => {
      socket.on('error', () => socket.destroy());
      if (sockets.size >= limits.connections) {
        settings.dropped('TOO_MANY_CONNECTIONS');
        socket.destroy();
        return;
      }
      if (unproved.size >= limits.unproved) {
        const [oldest] = idle;
        if (!oldest) {
          settings.dropped('TOO_MANY_HANDSHAKES');
          socket.destroy();
          return;
        }
        drop(oldest, 'TOO_MANY_HANDSHAKES');
      }
      sockets.add(socket);
      const key = keyOf(socket);
      const entry: Unproved = { socket, phase: 'silent', since: now() };
      unproved.set(key, entry);
      idle.add(entry);
      socket.once('close', () => {
        sockets.delete(socket);
        forget(key, entry);
      });
      socket.once('readable', () => hear(entry, NOTHING));
    },
    proved: (socket) => {
      const key = keyOf(socket);
      const entry = unproved.get(key);
      if (entry) forget(key, entry);
    },
    sweep: () => {
      const time = now();
      for (const entry of unproved.values()) {
        const age = time - entry.since;
        if (entry.phase === 'working' && age > limits.slowAfterMs) enter(entry, 'slow');
        else if (entry.phase !== 'waiting' && age > limits.handshakeMs) drop(entry, 'HANDSHAKE_TOO_SLOW');
      }
      admitNext();
    },
    counts: () => ({ connections: sockets.size, unproved: unproved.size }),
    cutAll: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

const NOTHING = Buffer.alloc(0);

/** The length of the record that begins here, as far as is known; undefined for what TLS does not begin with. */
function firstRecordBytes(heard: Buffer): number | undefined {
  if (heard[0] !== HANDSHAKE_RECORD) return undefined;
  if (heard.length < RECORD_HEADER_BYTES) return RECORD_HEADER_BYTES;
  const length = heard.readUInt16BE(3);
  return length <= LARGEST_RECORD_BYTES ? RECORD_HEADER_BYTES + length : undefined;
}

/** Tells connections apart, also when the TLS layer holds the socket. */
function keyOf({ localAddress, remoteAddress, remotePort }: AddressedSocket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`;
}
