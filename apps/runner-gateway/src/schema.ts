import type { AuditOutcomeName } from '@planton/rpc';
import type { ColumnType, Generated, RawBuilder } from 'kysely';

/** The PostgreSQL schema that the service owns. */
export const SCHEMA = 'runner';

/** Written with `jsonb()`; read as parsed JSON of unknown shape. */
type Json = ColumnType<unknown, RawBuilder<unknown> | undefined, RawBuilder<unknown>>;
type OptionalJson = ColumnType<unknown, RawBuilder<unknown> | null | undefined, RawBuilder<unknown> | null>;
/** The database's clock decides, so times are written as expressions. */
type Time = ColumnType<Date, RawBuilder<Date> | undefined, RawBuilder<Date>>;
type OptionalTime = ColumnType<Date | null, RawBuilder<Date> | null | undefined, RawBuilder<Date> | null>;

export interface RunnerTable {
  readonly uid: string;
  /** Empty for the platform runner, which belongs to none. */
  readonly organization_uid: string;
  readonly organization_slug: string;
  readonly slug: string;
  readonly name: string;
  readonly revision: Generated<number>;
  readonly revoke_time: OptionalTime;
  readonly create_time: Time;
  readonly update_time: Time;
  readonly created_by: string;
  readonly updated_by: string;
}

export interface RunnerInstanceTable {
  readonly uid: string;
  readonly runner_uid: string;
  readonly organization_uid: string;
  readonly name: string;
  /** SubjectPublicKeyInfo, DER. */
  readonly public_key: Buffer;
  readonly ephemeral: boolean;
  /** Of the newest certificate that was issued. */
  readonly generation: number;
  /** Of the newest certificate that was used; an older one locks the instance. */
  readonly used_generation: number;
  readonly certificate_expire_time: Time;
  readonly version: Generated<string>;
  readonly host: Json;
  readonly enroll_time: Time;
  /** When its last session ended; for one that is open, see `session`. */
  readonly last_seen_time: OptionalTime;
  readonly revoke_time: OptionalTime;
  readonly lock_time: OptionalTime;
}

export interface EnrolmentTokenTable {
  readonly uid: string;
  readonly runner_uid: string;
  readonly organization_uid: string;
  /** SHA-256 of the text. */
  readonly hash: Buffer;
  /** 0 for no limit. */
  readonly use_limit: number;
  readonly use_count: Generated<number>;
  readonly expire_time: Time;
  readonly revoke_time: OptionalTime;
  readonly create_time: Time;
  readonly created_by: string;
  readonly last_use_time: OptionalTime;
}

/** Nonces that were used: each is good once. */
export interface RecoveryNonceTable {
  readonly hash: Buffer;
  readonly expire_time: Time;
}

export interface CertificateAuthorityTable {
  readonly uid: string;
  /** PEM. */
  readonly certificate: string;
  readonly master_fingerprint: string;
  /** PKCS #8, wrapped by the master key. */
  readonly wrapped_key: Buffer;
  readonly signs: boolean;
  readonly create_time: Time;
  readonly expire_time: Time;
}

/** The secret that operation payloads are sealed with and recovery nonces are signed with. One row. */
export interface ServiceKeyTable {
  readonly singleton: Generated<boolean>;
  readonly master_fingerprint: string;
  readonly wrapped: Buffer;
}

export interface RevocationTable {
  readonly uid: string;
  readonly runner_uid: string;
  /** Empty for every instance of the runner. */
  readonly instance_uid: string;
  readonly reason: 'revoked' | 'locked';
  readonly revoke_time: Time;
}

export interface ReferenceOwnerTable {
  readonly uid: string;
  readonly service: string;
  readonly kind: string;
  readonly slug: string;
  readonly organization_uid: string;
  readonly revision: number;
  readonly confirmed_revision: number;
  readonly register_time: Time;
}

export interface RunnerReferenceTable {
  readonly owner_uid: string;
  readonly runner_uid: string;
}

export interface AuditRecordTable {
  readonly sequence: ColumnType<number, never, never>;
  readonly uid: string;
  readonly record_time: Time;
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
  readonly details: Json;
  readonly peer_address: string;
}

export interface ReplicaTable {
  readonly uid: string;
  readonly start_time: Time;
  readonly heartbeat_time: Time;
}

export interface SessionTable {
  readonly instance_uid: string;
  readonly uid: string;
  readonly runner_uid: string;
  readonly organization_uid: string;
  readonly replica_uid: string;
  readonly max_in_flight: number;
  readonly version: string;
  readonly open_time: Time;
}

export type OperationStateName =
  | 'queued'
  | 'running'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'outcome_unknown';

export interface OperationTable {
  readonly uid: string;
  /** Whom it is carried out for, also on the platform runner. */
  readonly organization_uid: string;
  readonly runner_uid: string;
  /** Case of `OperationInput.kind`, such as `verifyAwsAccess`. */
  readonly kind: string;
  readonly state: OperationStateName;
  /** 0 until it is first delivered. */
  readonly attempt: number;
  readonly instance_uid: string | null;
  /** The replica that has the attempt. */
  readonly replica_uid: string | null;
  /** The replica whose caller waits for the end. */
  readonly requester_replica_uid: string;
  readonly idempotent: boolean;
  readonly deadline: Time;
  /** When its session was lost; null while there is one. */
  readonly lost_time: OptionalTime;
  /** When someone asked for its end. */
  readonly cancel_time: OptionalTime;
  /** The `Assignment` without attempt and timeout, sealed; null once it has ended. */
  readonly payload: Buffer | null;
  /** `OperationOutput` as protobuf JSON. */
  readonly output: OptionalJson;
  /** `SealedOutput`, kept for a minute at most. */
  readonly sealed_output: Buffer | null;
  /** `OperationError` as protobuf JSON. */
  readonly error: OptionalJson;
  /** Empty for none. */
  readonly connection_uid: string;
  readonly connection_slug: string;
  readonly requested_by: string;
  readonly request_id: string;
  readonly create_time: Time;
  readonly start_time: OptionalTime;
  readonly end_time: OptionalTime;
}

export interface OperationStepTable {
  readonly operation_uid: string;
  readonly attempt: number;
  readonly sequence: number;
  /** `OperationStep` as protobuf JSON. */
  readonly step: Json;
}

export interface RunnerTables {
  readonly runner: RunnerTable;
  readonly runner_instance: RunnerInstanceTable;
  readonly enrolment_token: EnrolmentTokenTable;
  readonly recovery_nonce: RecoveryNonceTable;
  readonly certificate_authority: CertificateAuthorityTable;
  readonly service_key: ServiceKeyTable;
  readonly revocation: RevocationTable;
  readonly reference_owner: ReferenceOwnerTable;
  readonly runner_reference: RunnerReferenceTable;
  readonly audit_record: AuditRecordTable;
  readonly replica: ReplicaTable;
  readonly session: SessionTable;
  readonly operation: OperationTable;
  readonly operation_step: OperationStepTable;
}
