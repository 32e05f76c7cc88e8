import type { AuditOutcomeName } from '@planton/rpc';
import type { ColumnType, Generated, RawBuilder } from 'kysely';

/** The PostgreSQL schema that the service owns. */
export const SCHEMA = 'connect';

/** Written with `jsonb()`; read as parsed JSON of unknown shape. */
type Json = ColumnType<unknown, RawBuilder<unknown>, RawBuilder<unknown>>;
type Time = ColumnType<Date, RawBuilder<Date> | undefined, RawBuilder<Date>>;
type OptionalTime = ColumnType<Date | null, undefined, RawBuilder<Date>>;

interface Stamps {
  readonly create_time: Time;
  readonly update_time: Time;
  readonly created_by: string;
  readonly updated_by: string;
}

export interface ConnectionTable extends Stamps {
  readonly uid: string;
  readonly organization_uid: string;
  readonly organization_slug: string;
  readonly provider: string;
  readonly kind: string;
  readonly slug: string;
  readonly name: string;
  readonly labels: Json;
  readonly annotations: Json;
  /** The provider's spec as protobuf JSON. */
  readonly spec: Json;
  readonly revision: number;
  /** The revision under which the committed references were registered; see `references/`. */
  readonly reference_revision: number;
  /** The runner that the spec names, as it was registered; empty for none. */
  readonly runner_uid: string;
}

export type RevisionAction = 'created' | 'updated' | 'deleted';

export interface ConnectionRevisionTable {
  readonly connection_uid: string;
  readonly revision: number;
  readonly organization_uid: string;
  readonly slug: string;
  readonly action: RevisionAction;
  /** The row of `connection` as it was, without its times. */
  readonly document: Json;
  readonly create_time: Time;
  readonly created_by: string;
}

export interface DefaultConnectionTable extends Stamps {
  readonly uid: string;
  readonly organization_uid: string;
  readonly provider: string;
  /** Empty for the organisation. */
  readonly environment_uid: string;
  readonly environment_slug: string;
  readonly connection_uid: string;
  readonly revision: number;
}

export interface ConnectionAuthorizationTable extends Stamps {
  readonly connection_uid: string;
  readonly uid: string;
  readonly organization_uid: string;
  readonly scope: 'organization' | 'environment';
  readonly revision: number;
}

export interface AuthorizationEnvironmentTable {
  readonly connection_uid: string;
  readonly environment_uid: string;
  readonly environment_slug: string;
}

/** Which service has to be told: config-manager what is referred to, or runner-gateway which runners are used. */
export type ReferenceTarget = 'config' | 'runner';

export interface ReferenceOutboxTable {
  readonly owner_uid: string;
  readonly target: ReferenceTarget;
  readonly owner_kind: string;
  readonly owner_slug: string;
  readonly organization_uid: string;
  readonly organization_slug: string;
  readonly revision: number;
  /** For `config` a list of references, for `runner` a list of uids. */
  readonly reference_set: Json;
  readonly attempts: Generated<number>;
  readonly attempt_time: Time;
}

export interface ReferenceFenceTable {
  readonly owner_uid: string;
  readonly revision: number;
  readonly fence_time: Time;
}

export type VerificationOutcomeName = 'verified' | 'refused' | 'inconclusive' | 'insecure';

export interface ConnectionVerificationTable {
  readonly connection_uid: string;
  /** The connection's own, which `next_verify_time` and `attempts` are for. */
  readonly current_revision: number;
  readonly next_verify_time: ColumnType<Date, RawBuilder<Date>, RawBuilder<Date>>;
  /** Verifications on the schedule in a row that found nothing out. */
  readonly attempts: Generated<number>;
  /** `null` until there was a verification. */
  readonly outcome: ColumnType<VerificationOutcomeName | null, undefined, VerificationOutcomeName>;
  readonly verify_time: OptionalTime;
  /** The revision that was verified. */
  readonly revision: ColumnType<number | null, undefined, number>;
  readonly message: Generated<string>;
  readonly causes: ColumnType<unknown, undefined, RawBuilder<unknown>>;
  readonly identity: Generated<string>;
  /** Slug; empty for the platform runner. */
  readonly runner: Generated<string>;
  readonly last_success_time: OptionalTime;
  /** When it was last shown that others are kept out, and of which revision. */
  readonly probe_time: OptionalTime;
  readonly probe_revision: ColumnType<number | null, undefined, number>;
  /** When others were first let in of `revision`, since they were last shown to be kept out. */
  readonly insecure_since: ColumnType<Date | null, undefined, RawBuilder<Date | null>>;
}

export type TrustSetupStateName = 'pending' | 'verifying' | 'completed' | 'failed' | 'expired';
export type TrustSetupWaitName = 'none' | 'callback' | 'role' | 'propagation' | 'stack' | 'platform';

/** Written by the database's clock; may be unset. */
type MarkedTime = ColumnType<Date | null, undefined, RawBuilder<Date> | null>;

export interface TrustSetupTable {
  readonly uid: string;
  readonly organization_uid: string;
  readonly organization_slug: string;
  /** That the connection has, or will have. */
  readonly connection_uid: string;
  readonly connection_slug: string;
  readonly connection_name: string;
  readonly reconnect: boolean;
  readonly account_id: string;
  readonly region: string;
  /** Names such as `eks`. */
  readonly capabilities: Json;
  /** Empty for none. */
  readonly permissions_boundary_arn: string;
  readonly without_stack: boolean;
  readonly calls_back: boolean;
  /** The platform's identity when the set-up was begun. */
  readonly principal_arn: string;
  readonly role_name: string;
  /** Empty without a stack. */
  readonly stack_name: string;
  readonly external_id_uid: string;
  readonly external_id_slug: string;
  /** SHA-256. */
  readonly external_id_hash: Buffer;
  readonly state: TrustSetupStateName;
  readonly wait: TrustSetupWaitName;
  readonly message: string;
  readonly causes: ColumnType<unknown, undefined, RawBuilder<unknown>>;
  /** SHA-256 of what the callback claimed; `null` until there was one. */
  readonly claim_hash: ColumnType<Buffer | null, undefined, Buffer>;
  readonly claim_time: MarkedTime;
  /** Empty until there was a callback. */
  readonly claimed_role_arn: Generated<string>;
  readonly claimed_stack_id: Generated<string>;
  /** Whether a callback said that the stack was made with another external ID. */
  readonly external_id_edited: Generated<boolean>;
  /** The expected one, and once it was verified that of the connection. */
  readonly role_arn: string;
  /** ARN, as AWS describes the stack; empty until it did. */
  readonly stack_id: Generated<string>;
  /** When the role first let the platform in. */
  readonly worked_time: MarkedTime;
  /** Since when it no longer does, after it did. */
  readonly refused_time: MarkedTime;
  /** Since when it lets in callers without the right external ID. */
  readonly insecure_time: MarkedTime;
  readonly attempts: Generated<number>;
  /** Callbacks that were heard: one that comes during an attempt makes another due at once. */
  readonly hints: Generated<number>;
  readonly next_attempt_time: ColumnType<Date, RawBuilder<Date>, RawBuilder<Date>>;
  /** Counts the changes that callers see. */
  readonly revision: Generated<number>;
  readonly created_by: string;
  readonly create_time: Time;
  readonly expire_time: ColumnType<Date, RawBuilder<Date>, never>;
  readonly end_time: MarkedTime;
}

export interface TrustSetupTokenTable {
  /** SHA-256. */
  readonly token_hash: Buffer;
  readonly setup_uid: string;
  readonly create_time: Time;
}

/** A secret of config-manager that the server keeps for one connection. */
export interface OwnedSecretTable {
  readonly uid: string;
  readonly organization_uid: string;
  readonly connection_uid: string;
  /** Empty until it was minted. */
  readonly slug: Generated<string>;
  readonly create_time: Time;
  /** Since when it may not be used any more. */
  readonly retire_time: MarkedTime;
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

/** See `OrganizationPolicy` in the contract. */
export interface OrganizationPolicyTable {
  readonly organization_uid: string;
  readonly require_authorization: boolean;
  readonly max_session_seconds: number | null;
  readonly allowed_regions: ColumnType<readonly string[], unknown, unknown>;
  readonly inline_keys_forbidden_in: ColumnType<
    readonly { readonly uid: string; readonly slug: string }[],
    unknown,
    unknown
  >;
  readonly update_time: Time;
  readonly updated_by: string;
}

export interface ConnectTables {
  readonly organization_policy: OrganizationPolicyTable;
  readonly connection: ConnectionTable;
  readonly connection_revision: ConnectionRevisionTable;
  readonly default_connection: DefaultConnectionTable;
  readonly connection_authorization: ConnectionAuthorizationTable;
  readonly authorization_environment: AuthorizationEnvironmentTable;
  readonly reference_outbox: ReferenceOutboxTable;
  readonly reference_fence: ReferenceFenceTable;
  readonly connection_verification: ConnectionVerificationTable;
  readonly trust_setup: TrustSetupTable;
  readonly trust_setup_token: TrustSetupTokenTable;
  readonly owned_secret: OwnedSecretTable;
  readonly audit_record: AuditRecordTable;
}
