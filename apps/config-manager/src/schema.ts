import type { AuditOutcomeName } from '@planton/rpc';
import type { ColumnType, Generated, RawBuilder } from 'kysely';

/** The PostgreSQL schema that the service owns. */
export const SCHEMA = 'config';

/** Written by the database's clock. */
type Time = ColumnType<Date, RawBuilder<Date> | undefined, RawBuilder<Date>>;
type TimeOrNull = ColumnType<Date | null, RawBuilder<Date> | undefined, RawBuilder<Date> | null>;

export interface SecretTable {
  readonly uid: string;
  readonly organization_uid: string;
  /** Empty for the organisation level. */
  readonly environment_uid: string;
  readonly slug: string;
  readonly current_version: number;
  /** The object that a server-owned secret belongs to; null for a secret of the organisation's people. */
  readonly owner_uid: string | null;
  readonly owner_kind: string | null;
  /** The service that has the object: the one that may read and retire the secret. */
  readonly owner_service: string | null;
  readonly revision: number;
  readonly create_time: Time;
  readonly update_time: Time;
  readonly delete_time: TimeOrNull;
}

export interface SecretVersionTable {
  readonly uid: string;
  readonly secret_uid: string;
  /** That of the secret: rotation finds data keys by it. */
  readonly organization_uid: string;
  readonly version: number;
  /** Null once destroyed, as is the version of the organisation key that wraps it. */
  readonly wrapped_data_key: Buffer | null;
  readonly organization_key_version: number | null;
  /** The version that it repeats, 0 for none. */
  readonly rolled_back_to: number;
  readonly create_time: Time;
  readonly created_by: string;
  readonly destroy_time: TimeOrNull;
}

export interface SecretEntryTable {
  readonly version_uid: string;
  readonly key: string;
  /** Null once destroyed; the key stays, for the listing of versions. */
  readonly ciphertext: Buffer | null;
}

export interface VariableTable {
  readonly uid: string;
  readonly organization_uid: string;
  /** Empty for the organisation level. */
  readonly environment_uid: string;
  readonly slug: string;
  readonly value: string;
  readonly revision: number;
  readonly create_time: Time;
  readonly update_time: Time;
  readonly updated_by: string;
}

export interface OrganizationKeyTable {
  readonly organization_uid: string;
  readonly version: number;
  readonly wrapped_key: Buffer;
  readonly master_fingerprint: string;
  readonly create_time: Time;
}

/** One row: the master key that the data were last prepared for. */
export interface MasterKeyTable {
  readonly id: Generated<number>;
  readonly fingerprint: string;
}

/** Stays when its references are gone, so that a late message of an old revision is known to be old. */
export interface ReferenceOwnerTable {
  readonly uid: string;
  readonly kind: string;
  readonly slug: string;
  readonly service: string;
  readonly organization_uid: string;
  readonly revision: number;
  /** Below `revision` while a change is under way. */
  readonly confirmed_revision: number;
  readonly register_time: Time;
}

export type TargetKind = 'secret' | 'variable';

/** One reference. Its target cannot be deleted while the row is there. */
export interface ReferenceTable {
  readonly owner_uid: string;
  readonly target_kind: TargetKind;
  readonly target_slug: string;
  /** Key of the secret's entry; empty for a variable. */
  readonly entry_key: string;
  readonly target_uid: string;
  readonly confirmed: boolean;
}

export interface AuditRecordTable {
  readonly uid: Generated<string>;
  readonly organization_uid: string;
  readonly record_time: Time;
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
  /** Written with `jsonb()`; text to text. */
  readonly details: ColumnType<unknown, RawBuilder<unknown>, never>;
  readonly peer_address: string;
}

export interface ConfigTables {
  readonly secret: SecretTable;
  readonly secret_version: SecretVersionTable;
  readonly secret_entry: SecretEntryTable;
  readonly variable: VariableTable;
  readonly organization_key: OrganizationKeyTable;
  readonly master_key: MasterKeyTable;
  readonly reference_owner: ReferenceOwnerTable;
  readonly reference: ReferenceTable;
  readonly audit_record: AuditRecordTable;
}
