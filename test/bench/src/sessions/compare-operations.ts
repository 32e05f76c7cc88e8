import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { create, toBinary } from '@bufbuild/protobuf';
import { ExecuteOperationRequestSchema } from '@planton/api/runner/v1/runner_service';
import { openPostgres } from '@planton/database';
import type { Platform } from '@planton/test-platform';
import { sql } from 'kysely';
import { median } from '../measure-start.ts';
import { measureThroughput } from '../measure-throughput.ts';
import { enrolMany } from './enrol-many.ts';
import type { Orders, Report } from './hold-sessions.ts';
import { measureBareSessions } from './measure-sessions.ts';
import { forkChild } from './talk-to-child.ts';

const ROUNDS = 3;
const OPERATIONS = 6_000;
const ROWS = 3_000;
const UNRECORDED = 20_000;
const IN_FLIGHT = 64;
/** As many as the load generator has requests under way. */
const AT_ONCE = 128;
const CONNECTIONS = 20;

/** Operations per second on the path in memory, and frames there and back per second of the bare library, in one run. */
async function measureUnrecorded(databaseUrl: string): Promise<{ operations: number; frames: number }> {
  const server = forkChild(join(import.meta.dirname, 'serve-unrecorded.ts'), [], {
    DATABASE_URL: databaseUrl,
  });
  const client = forkChild(join(import.meta.dirname, 'hold-sessions.ts'), [], {});
  try {
    const access = await server.hear<Omit<Extract<Orders, { do: 'open' }>, 'do' | 'concurrency'>>();
    await client.ask<Report>({ do: 'open', ...access, concurrency: 1 } satisfies Orders);
    await server.ask({ count: UNRECORDED / 4, inFlight: IN_FLIGHT });
    const { ms } = await server.ask<{ ms: number }>({ count: UNRECORDED, inFlight: IN_FLIGHT });
    const { roundTrips = Number.NaN } = await measureBareSessions('connect', 0);
    return { operations: (UNRECORDED / ms) * 1000, frames: roundTrips };
  } finally {
    await client.stop();
    await server.stop();
  }
}

/** Prints what an operation costs there and back, against writing its row and nothing else. */
export async function compareOperations(
  platform: Platform,
  databaseUrl: string,
  print: (name: string, figure: string, goal?: string) => void,
): Promise<void> {
  const identities = await enrolMany(platform, 'operations', 4);
  const client = forkChild(join(import.meta.dirname, 'hold-sessions.ts'), [], {});
  const engine = openPostgres({ url: databaseUrl, applicationName: 'bench', poolSize: CONNECTIONS });
  try {
    const url = `https://${platform.runnerAddress}`;
    await client.ask<Report>({ do: 'open', url, ...identities, concurrency: 4 } satisfies Orders);
    const call = {
      url: platform.url,
      path: '/planton.runner.v1.RunnerService/ExecuteOperation',
      headers: {
        'content-type': 'application/proto',
        'connect-protocol-version': '1',
        authorization: `Bearer ${platform.ownerKey()}`,
      },
      body: toBinary(
        ExecuteOperationRequestSchema,
        create(ExecuteOperationRequestSchema, {
          org: 'bench',
          runner: 'operations-0',
          input: { kind: { case: 'ping', value: {} } },
        }),
      ),
    };
    await sql`create table public.bench_row (uid text primary key, state text not null, payload bytea)`.execute(
      engine.kysely,
    );
    const writeRows = async () => {
      let left = ROWS;
      const started = performance.now();
      const work = async () => {
        while (left-- > 0) {
          const uid = randomUUID();
          await sql`insert into public.bench_row values (${uid}, ${'running'}, ${Buffer.alloc(64)})`.execute(
            engine.kysely,
          );
          await sql`update public.bench_row set state = 'succeeded', payload = null where uid = ${uid}`.execute(
            engine.kysely,
          );
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      return ROWS / ((performance.now() - started) / 1000);
    };
    await sql`create database unrecorded`.execute(engine.kysely);
    const unrecorded = await measureUnrecorded(
      Object.assign(new URL(databaseUrl), { pathname: '/unrecorded' }).href,
    );
    await measureThroughput(call, OPERATIONS / 4);
    const rows: number[] = [];
    const operations: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      rows.push(await writeRows());
      operations.push((await measureThroughput(call, OPERATIONS)) / (rows.at(-1) ?? 1));
    }
    print(
      'operation there and back, in memory',
      `${(unrecorded.operations / unrecorded.frames).toFixed(2)} × frames`,
      `${unrecorded.operations.toFixed(0)}/s; its record left out, called in memory, 1 session × ${IN_FLIGHT}`,
    );
    print(
      'bare insert + update',
      `${median(rows).toFixed(0)}/s`,
      `the measure; ${CONNECTIONS} connections, ${AT_ONCE} at once`,
    );
    print(
      'operation there and back, recorded',
      `${median(operations).toFixed(2)} × rows`,
      'ExecuteOperation of a ping, 4 instances',
    );
  } finally {
    await client.stop();
    await engine.close();
  }
}
