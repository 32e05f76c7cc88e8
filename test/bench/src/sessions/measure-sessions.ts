import { join } from 'node:path';
import type { Platform } from '@planton/test-platform';
import { median } from '../measure-start.ts';
import { enrolMany } from './enrol-many.ts';
import type { Orders, Report } from './hold-sessions.ts';
import { makeCertificates } from './make-certificates.ts';
import { type Child, forkChild, type Memory, talkTo } from './talk-to-child.ts';

const SESSIONS = 1_000;
const WARM_UP = 100;
const CONCURRENCY = 32;
const FRAMES = 40_000;
const IN_FLIGHT = 64;

const here = (file: string) => join(import.meta.dirname, file);

/** What one server did, in one run. */
export interface SessionFigures {
  /** Sessions opened per second, the client on the same machine. */
  readonly setUpRate: number;
  /** Bytes per idle session, after a garbage collection. */
  readonly rss: number;
  readonly heap: number;
  /** Frames there and back per second on one session; undefined where the server answers none. */
  readonly roundTrips?: number;
}

/** What the clients show, and to whom. */
interface Access {
  readonly url: string;
  readonly ca: string;
  readonly key: string;
  readonly certificates: readonly string[];
}

async function measure(server: Child, access: Access, pingPong: boolean): Promise<SessionFigures> {
  const client = forkChild(here('hold-sessions.ts'), [], {});
  const tell = (order: Orders) => client.ask<Report>(order);
  const open = (certificates: readonly string[]) =>
    tell({ do: 'open', ...access, certificates, concurrency: CONCURRENCY });
  try {
    await open(access.certificates.slice(0, WARM_UP));
    const before = await server.ask<Memory>('memory');
    const { ms } = await open(access.certificates.slice(WARM_UP));
    const sessions = access.certificates.length - WARM_UP;
    const after = await server.ask<Memory>('memory');
    const figures = {
      setUpRate: (sessions / ms) * 1000,
      rss: (after.rss - before.rss) / sessions,
      heap: (after.heapUsed - before.heapUsed) / sessions,
    };
    if (!pingPong) return figures;
    await tell({ do: 'ping-pong', count: FRAMES / 8, inFlight: IN_FLIGHT });
    const { ms: frames } = await tell({ do: 'ping-pong', count: FRAMES, inFlight: IN_FLIGHT });
    return { ...figures, roundTrips: (FRAMES / frames) * 1000 };
  } finally {
    await client.stop();
  }
}

/** A bare library over the same mutual TLS. */
export async function measureBareSessions(
  kind: 'connect' | 'grpc-js',
  sessions = SESSIONS,
): Promise<SessionFigures> {
  const { ca, server, client } = await makeCertificates();
  const child = forkChild(here('serve-bidi.ts'), [kind], {
    BENCH_TLS: JSON.stringify({ ca, server, client }),
  });
  try {
    const { port } = await child.hear<{ port: number }>();
    const certificates = Array.from({ length: sessions + WARM_UP }, () => client.cert);
    return await measure(
      child,
      { url: `https://127.0.0.1:${port}`, ca, key: client.key, certificates },
      true,
    );
  } finally {
    await child.stop();
  }
}

/** The gateway, with everything that the server does beside it. */
export async function measureGatewaySessions(platform: Platform, round: number): Promise<SessionFigures> {
  const identities = await enrolMany(platform, `round-${round}`, SESSIONS + WARM_UP);
  const process = platform.process();
  if (!process) throw new Error('the server does not run');
  const server = talkTo(process, 'the server');
  return measure(server, { url: `https://${platform.runnerAddress}`, ...identities }, false);
}

/** The figures of several rounds, each the median. */
export function medianFigures(rounds: readonly SessionFigures[]): SessionFigures {
  const of = (pick: (figures: SessionFigures) => number) => median(rounds.map(pick));
  return {
    setUpRate: of(({ setUpRate }) => setUpRate),
    rss: of(({ rss }) => rss),
    heap: of(({ heap }) => heap),
    roundTrips: of(({ roundTrips }) => roundTrips ?? Number.NaN),
  };
}
