/**
 * What sealing costs those who write records: records per second with the sealer at work, as a ratio to the same without it, in rounds that
 * alternate. And how fast a backlog is sealed and verified. `node test/bench/src/audit/compare-sealing.ts`
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { setImmediate as yieldTurn } from 'node:timers/promises';
import { createSigningKey } from '@planton/audit';
import { createSeals, keepAuditTrail } from '@planton/audit-trail';
import { migrate, openDatabase, openPostgres, writeInBatches } from '@planton/database';
import { startPostgres } from '@planton/database/testing';
import { sql } from 'kysely';
import { median } from '../measure-start.ts';

const ROUNDS = 5;
const ROUND_MS = 3_000;
const WRITERS = 128;
const BACKLOG = 50_000;
const SCHEMA = 'bench';

const TABLE = `create table audit_record (
  sequence bigint generated always as identity primary key, uid text not null unique, record_time timestamptz not null default now(),
  organization_uid text not null, action text not null, actor_uid text not null, actor_name text not null, via_service text not null,
  api_key_uid text not null, resource_kind text not null, resource_uid text not null, resource_slug text not null,
  environment text not null, version integer not null, request_id text not null, purpose text not null,
  outcome text not null check (outcome in ('succeeded', 'denied', 'failed')), details jsonb not null, peer_address text not null)`;
const INDEX = 'create index audit_record_by_organization on audit_record (organization_uid, sequence)';

const print = (name: string, figure: string) =>
  process.stdout.write(`${name.padEnd(52)}${figure.padStart(20)}\n`);
const quiet = { debug: () => {}, info: () => {}, warn: console.error, error: console.error };

const postgres = await startPostgres();
const engine = openPostgres({ url: postgres.url, applicationName: 'bench' });
try {
  await migrate(engine, SCHEMA, [
    {
      name: '001',
      up: async (tx) => {
        await sql.raw(TABLE).execute(tx);
        await sql.raw(INDEX).execute(tx);
        await createSeals(tx);
      },
    },
  ]);
  const database = openDatabase<unknown>(engine, SCHEMA);
  const insert = async (items: readonly { uid: string; organization: string }[]) => {
    await sql`insert into ${sql.table(`${SCHEMA}.audit_record`)} (uid, organization_uid, action, actor_uid, actor_name, via_service,
        api_key_uid, resource_kind, resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details, peer_address)
      select uid, organization, 'credentials.issue', ${randomUUID()}, 'deployer', '', ${randomUUID()}, 'connection', ${randomUUID()}, 'main',
        'production', 3, uid, 'planton connection exec', 'succeeded', '{"source": "environment", "duration": "3600"}', '10.0.0.1'
      from json_to_recordset(${JSON.stringify(items)}::text::json) as given (uid text, organization text)`.execute(
      database.query,
    );
    return items.map(() => undefined);
  };
  const trail = () =>
    keepAuditTrail({
      engine,
      schema: SCHEMA,
      service: 'bench',
      audit: { key: createSigningKey(randomBytes(32)), previousKeys: [], sinks: [] },
      logger: quiet,
      replica: randomUUID(),
      random: Math.random,
    });
  const writer = writeInBatches({ write: insert, largest: 256, concurrency: 2 });
  const organizations = Array.from({ length: 20 }, () => randomUUID());
  const measure = async (milliseconds: number) => {
    let written = 0;
    const begin = performance.now();
    const end = begin + milliseconds;
    const write = async (index: number) => {
      while (performance.now() < end) {
        await writer.write({
          uid: randomUUID(),
          organization: organizations[index % organizations.length] ?? '',
        });
        written += 1;
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, (_, index) => write(index)));
    return (written * 1000) / (performance.now() - begin);
  };

  await measure(ROUND_MS);
  await trail().sealNow();
  const without: number[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const alone = await measure(ROUND_MS);
    await trail().sealNow();
    const sealing = trail();
    sealing.start();
    ratios.push((await measure(ROUND_MS)) / alone);
    await sealing.stop();
    await trail().sealNow();
    without.push(alone);
    await yieldTurn();
  }
  print('records written alone, 128 callers, group commit', `${Math.round(median(without))} /s`);
  print(
    'the same with the sealer at work',
    `${median(ratios).toFixed(2)} × (${ratios.map((each) => each.toFixed(2)).join(' ')})`,
  );

  await writer.idle();
  for (let done = 0; done < BACKLOG; done += 1_000) {
    await insert(
      Array.from({ length: 1_000 }, (_, index) => ({
        uid: randomUUID(),
        organization: organizations[index % 20] ?? '',
      })),
    );
  }
  const begin = performance.now();
  await trail().sealNow();
  print(
    `a backlog of ${BACKLOG} records sealed`,
    `${Math.round((BACKLOG * 1000) / (performance.now() - begin))} /s`,
  );
} finally {
  await engine.close();
  await postgres.stop();
}
