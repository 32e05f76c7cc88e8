/** In the place of `libs/rpc/src/server/admit.ts`, see `leave-out.ts`: lets everybody in as the caller in `BENCH_CALLER`. */
import type { Interceptor } from '@connectrpc/connect';
import { admitAs } from '@planton/rpc/testing';

export const ACTOR_HEADER = 'planton-actor';

export function admit(): Interceptor {
  return admitAs(JSON.parse(process.env.BENCH_CALLER ?? ''), 'connection-service');
}
