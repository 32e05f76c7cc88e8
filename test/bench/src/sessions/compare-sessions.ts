import type { Platform } from '@planton/test-platform';
import { measureBareSessions, measureGatewaySessions, medianFigures } from './measure-sessions.ts';

const ROUNDS = 3;
const kilobytes = (bytes: number) => `${(bytes / 1024).toFixed(0)} KB`;

/** Prints what sessions of runners cost, against the bare libraries over the same mutual TLS, in turns. */
export async function compareSessions(
  platform: Platform,
  print: (name: string, figure: string, goal?: string) => void,
): Promise<void> {
  const rounds = { connect: [], 'grpc-js': [], gateway: [] } as Record<
    'connect' | 'grpc-js' | 'gateway',
    Awaited<ReturnType<typeof measureBareSessions>>[]
  >;
  for (let round = 0; round < ROUNDS; round++) {
    rounds.connect.push(await measureBareSessions('connect'));
    rounds['grpc-js'].push(await measureBareSessions('grpc-js'));
    rounds.gateway.push(await measureGatewaySessions(platform, round));
  }
  const bare = medianFigures(rounds.connect);
  const grpc = medianFigures(rounds['grpc-js']);
  const gateway = medianFigures(rounds.gateway);
  // The later rounds are held by what the first ones left free.
  const [fresh = gateway] = rounds.gateway;
  const measure = 'the measure; bare connect-node, mTLS, 32 at once';
  print('bare sessions opened', `${bare.setUpRate.toFixed(0)}/s`, measure);
  print(
    'sessions opened, grpc-js',
    `${(grpc.setUpRate / bare.setUpRate).toFixed(2)} × bare`,
    'for the record',
  );
  print(
    'sessions opened, gateway',
    `${(gateway.setUpRate / bare.setUpRate).toFixed(2)} × bare`,
    'goal ≥ 0.80',
  );
  print('bare idle session, resident', kilobytes(bare.rss), `${kilobytes(bare.heap)} of it heap`);
  print('idle session, grpc-js', `${(grpc.rss / bare.rss).toFixed(2)} × bare`, kilobytes(grpc.heap));
  print(
    'idle session, gateway',
    `${(fresh.rss / bare.rss).toFixed(2)} × bare`,
    `goal ≤ 1.25; heap ${kilobytes(fresh.heap)}`,
  );
  print(
    'bare frames there and back',
    `${(bare.roundTrips ?? 0).toFixed(0)}/s`,
    '1 stream × 64, connect-node',
  );
  print(
    'frames there and back, grpc-js',
    `${((grpc.roundTrips ?? 0) / (bare.roundTrips ?? 1)).toFixed(2)} × bare`,
    'for the record',
  );
}
