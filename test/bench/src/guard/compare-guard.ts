import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPlanton } from '@planton/client';
import { type Engine, openPostgres } from '@planton/database';
import { type Platform, startPlatform } from '@planton/test-platform';
import { sql } from 'kysely';
import { calls, type Target } from '../calls.ts';
import { TRUST } from '../credentials/connect-by-trust.ts';
import { median } from '../measure-start.ts';
import { type Call, measureThroughput } from '../measure-throughput.ts';
import type { Shared } from '../share-servers.ts';

const ROUNDS = 9;
const REQUESTS = 4_000;
const WARM_UP = 3_000;

/** What is left out of each server; the first one is the measure. */
const variants = ['authentication,audit', 'audit', 'authentication', ''] as const;
type Variant = (typeof variants)[number];

/** An RPC, with the records that one call of it leaves. */
interface Measured {
  readonly name: string;
  readonly callOf: (target: Target) => Call;
  readonly records: number;
}

const measured: readonly Measured[] = [
  { name: 'GetSecret', callOf: calls.getSecret, records: 0 },
  { name: 'AccessSecret', callOf: calls.accessSecret, records: 1 },
  // Two secrets are read for one issue.
  { name: 'IssueCredentials (inline)', callOf: (target) => calls.issueCredentials(target, ''), records: 3 },
  {
    name: 'IssueCredentials (trust, warm)',
    callOf: (target) => calls.issueCredentials(target, TRUST),
    records: 1,
  },
];

/**
 * Prints what authentication and audit cost each RPC: its rate with them, as a ratio to the rate of the same handlers on the same database
 * without, on servers that run beside each other, in rounds that alternate. Sealing is part of the audit.
 *
 * Left out with authentication is all that `stopStrangers` and `admit` do: the token, its rights, the counts of requests, the rules of the
 * message, and whether a secret may still leave at the end.
 *
 * @param platform a replica with the organisation and both connections
 */
export async function compareGuard(
  platform: Platform,
  shared: Shared,
  print: (name: string, figure: string, goal?: string) => void,
): Promise<void> {
  const engine = openPostgres({ url: shared.databaseUrl, applicationName: 'bench', poolSize: 2 });
  const servers = new Map<Variant, Platform>();
  try {
    const caller = await callerOf(platform);
    const countRecords = () => countRecordsOf(engine, caller.subject.uid);
    for (const variant of variants)
      servers.set(variant, await startVariant(variant, platform, shared, JSON.stringify(caller)));
    const apiKey = platform.ownerKey();
    const targetOf = (variant: Variant) => ({ url: servers.get(variant)?.url ?? '', apiKey });
    for (const { callOf } of measured)
      for (const variant of variants) await measureThroughput(callOf(targetOf(variant)), WARM_UP);

    for (const { name, callOf, records } of measured) {
      const rates = new Map(variants.map((variant): [Variant, number[]] => [variant, []]));
      for (let round = 0; round < ROUNDS; round++) {
        for (let turn = 0; turn < variants.length; turn++) {
          const variant = variants[(round + turn) % variants.length] ?? '';
          await everythingSealed(engine);
          const before = await countRecords();
          rates.get(variant)?.push(await measureThroughput(callOf(targetOf(variant)), REQUESTS));
          const written = (await countRecords()) - before;
          if (written !== (variant.includes('audit') ? 0 : records * REQUESTS))
            throw new Error(`${name} without "${variant}" has left ${written} records`);
        }
      }
      const bare = rates.get('authentication,audit') ?? [];
      const ratio = (variant: Variant) =>
        `${median(bare.map((rate, round) => (rates.get(variant)?.[round] ?? 0) / rate)).toFixed(2)} × bare`;
      print(`${name}, bare`, `${Math.round(median(bare))} req/s`, 'neither authenticated nor recorded');
      print('  authenticated', ratio('audit'), records === 0 ? 'goal ≥ 0.80; leaves no record' : '');
      if (records === 0) continue;
      print('  recorded and sealed', ratio('authentication'));
      print('  authenticated, recorded and sealed', ratio(''), 'goal ≥ 0.80');
    }
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
    await engine.close();
  }
}

function startVariant(
  leftOut: Variant,
  platform: Platform,
  { databaseUrl, masterKey, env }: Shared,
  caller: string,
): Promise<Platform> {
  return startPlatform({
    databaseUrl,
    masterKey,
    env: (url) => ({
      ...env(url),
      // Tokens of one replica are good at the others.
      PLANTON_PUBLIC_URL: platform.url,
      NODE_OPTIONS: `--import ${join(import.meta.dirname, 'leave-out.ts')}`,
      BENCH_LEAVE_OUT: leftOut,
      BENCH_CALLER: caller,
    }),
  });
}

/** The owner, as the platform knows a caller whose token was verified. */
async function callerOf(platform: Platform) {
  const { identity } = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  const { subjectUid: uid, name, organizations } = await identity.whoAmI({});
  const organization = organizations.find(({ slug }) => slug === 'bench');
  return {
    subject: { kind: 'user', uid, name, instanceOwner: true },
    membership: {
      organization: { uid: organization?.uid ?? '', slug: 'bench' },
      role: 'owner',
      environments: 'all',
    },
  };
}

async function countRecordsOf(engine: Engine, actorUid: string): Promise<number> {
  const { rows } = await sql<{ count: number }>`select
    (select count(*) from config.audit_record where actor_uid = ${actorUid})
    + (select count(*) from connect.audit_record where actor_uid = ${actorUid}) as count`.execute(
    engine.kysely,
  );
  return rows[0]?.count ?? 0;
}

/** What an earlier round has left to seal is no part of the next one. */
async function everythingSealed(engine: Engine): Promise<void> {
  for (;;) {
    const { rows } = await sql<{
      left: boolean;
    }>`select exists (select from config.audit_record where seal_number is null)
      or exists (select from connect.audit_record where seal_number is null) as left`.execute(engine.kysely);
    if (!rows[0]?.left) return;
    await sleep(100);
  }
}
