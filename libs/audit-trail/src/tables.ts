import type { AuditOutcomeName } from '@planton/rpc';
import type { ColumnType, Generated } from 'kysely';

/** The table in which every service puts its records; here it is only read. */
export interface AuditRecordTable {
  readonly sequence: ColumnType<number, never, never>;
  readonly uid: string;
  readonly record_time: Date;
  readonly organization_uid: string;
  readonly action: string;
  readonly actor_uid: string;
  readonly actor_name: string;
  readonly via_service: string;
  readonly api_key_uid: string;
  readonly resource_kind: string;
  readonly resource_uid: string;
  readonly resource_slug: string;
  readonly environment: string;
  readonly version: number;
  readonly request_id: string;
  readonly purpose: string;
  readonly outcome: AuditOutcomeName;
  readonly details: unknown;
  readonly peer_address: string;
  /** Null until a seal covers the record. */
  readonly seal_number: number | null;
}

export interface AuditSealTable {
  readonly organization_uid: string;
  readonly number: number;
  /** The order in which the service's seals were committed, over all trails: sinks go by it. */
  readonly position: number;
  readonly previous_hash: Buffer;
  readonly root: Buffer;
  readonly record_count: number;
  readonly total_count: number;
  readonly seal_time: ColumnType<Date, string, never>;
  readonly key_id: string;
  readonly hash: Buffer;
  readonly public_key: Buffer;
  readonly signature: Buffer;
  /** `[[uid, hash as hexadecimal digits], …]` in the order of the seal. */
  readonly entries: string;
}

/** How far a sink has come. */
export interface AuditSinkTable {
  readonly name: string;
  readonly position: Generated<number>;
  readonly lease_owner: Generated<string>;
  readonly lease_time: ColumnType<Date, never, unknown>;
  readonly deliver_time: ColumnType<Date | null, never, unknown>;
}

export interface AuditTables {
  readonly audit_record: AuditRecordTable;
  readonly audit_seal: AuditSealTable;
  readonly audit_sink: AuditSinkTable;
}
