import { randomUUID } from 'node:crypto';
import { createSigningKey, type Finding, type SigningKey } from '@planton/audit';
import { type Database, type Engine, type EngineKind, migrate, openDatabase } from '@planton/database';
import { useTestEngine } from '@planton/database/testing';
import { sql, type Transaction } from 'kysely';
import { beforeAll } from 'vitest';
import { createSeals } from '../migrations/create-seals.ts';
import { sealUnsealed } from '../seals/seal-unsealed.ts';
import { type TrailCheckpoint, verifyPart } from '../seals/verify-trail.ts';
import type { AuditTables } from '../tables.ts';

export const SCHEMA = 'trail';
export const SERVICE = 'config-manager';
export const key = createSigningKey(Buffer.alloc(32, 7));

const TABLE = `create table audit_record (
  sequence bigint generated always as identity primary key,
  uid text not null unique,
  record_time timestamptz not null default now(),
  organization_uid text not null,
  action text not null,
  actor_uid text not null,
  actor_name text not null,
  via_service text not null,
  api_key_uid text not null,
  resource_kind text not null,
  resource_uid text not null,
  resource_slug text not null,
  environment text not null,
  version integer not null,
  request_id text not null,
  purpose text not null,
  outcome text not null check (outcome in ('succeeded', 'denied', 'failed')),
  details jsonb not null,
  peer_address text not null
)`;

export interface TestTrail {
  readonly engine: Engine;
  readonly database: Database<AuditTables>;
  /** Puts records into the trail of an organisation; answers their uids. */
  write(organizationUid: string, count: number, db?: Transaction<AuditTables>): Promise<string[]>;
  seal(signer?: SigningKey, largest?: number): Promise<number>;
  /** All findings of all parts. */
  verify(
    organizationUid: string,
    tx?: Transaction<AuditTables>,
    checkpoint?: TrailCheckpoint,
  ): Promise<Finding[]>;
  /** What is found after a change, which is undone then. */
  after(
    organizationUid: string,
    change: (tx: Transaction<AuditTables>) => Promise<unknown>,
  ): Promise<Finding[]>;
}

/** A table of records as each service has one, with its seals. */
export function useTestTrail(kind: EngineKind): () => TestTrail {
  const engine = useTestEngine(kind);
  beforeAll(() =>
    migrate(engine(), SCHEMA, [
      {
        name: '001',
        up: async (tx) => {
          await sql.raw(TABLE).execute(tx);
          await createSeals(tx);
        },
      },
    ]),
  );
  return () => openTrail(engine());
}

function openTrail(engine: Engine): TestTrail {
  const database = openDatabase<AuditTables>(engine, SCHEMA);
  const isTrusted = (publicKey: Uint8Array) => key.publicKey.equals(publicKey);
  const verify: TestTrail['verify'] = async (organization_uid, tx, checkpoint) => {
    const findings: Finding[] = [];
    for (let after: number | undefined = 0; after !== undefined; ) {
      const part = await verifyPart(
        tx ?? database.query,
        { service: SERVICE, organization_uid },
        after,
        checkpoint,
        isTrusted,
      );
      findings.push(...part.findings);
      after = part.next;
    }
    return findings;
  };
  return {
    engine,
    database,
    write: async (organizationUid, count, db) => {
      const uids = Array.from({ length: count }, () => randomUUID());
      await sql`
        insert into ${sql.table(`${SCHEMA}.audit_record`)} (uid, organization_uid, action, actor_uid, actor_name, via_service,
          api_key_uid, resource_kind, resource_uid, resource_slug, environment, version, request_id, purpose, outcome, details,
          peer_address)
        select uid, ${organizationUid}, 'secret.access', 'ada-uid', 'Ada', '', 'key', 'secret', 'secret-uid', 'db', '', 1,
          'request ' || uid, 'why', 'succeeded', '{"reason": "test"}', '::1'
        from json_array_elements_text(${JSON.stringify(uids)}::text::json) with ordinality as given (uid, place)
        order by place`.execute(db ?? database.query);
      return uids;
    },
    seal: (signer = key, largest) =>
      sealUnsealed({ database, service: SERVICE, key: signer, ...(largest ? { largest } : {}) }),
    verify,
    after: async (organizationUid, change) => {
      const undo = new Error('undo');
      let findings: Finding[] = [];
      await database
        .transact(async (tx) => {
          await change(tx);
          findings = await verify(organizationUid, tx);
          throw undo;
        })
        .catch((error: unknown) => {
          if (error !== undo) throw error;
        });
      return findings;
    },
  };
}
