import type { RoleName, Subject } from '@planton/rpc';
import type { ColumnType, Generated } from 'kysely';

/** A time that the database sets. */
type DatabaseTime = ColumnType<Date, Date | undefined, Date>;
type NullableTime = ColumnType<Date | null, Date | null | undefined, Date | null>;

export interface OrganizationTable {
  uid: string;
  slug: string;
  name: string;
  create_time: DatabaseTime;
}

export interface EnvironmentTable {
  uid: string;
  organization_uid: string;
  slug: string;
  create_time: DatabaseTime;
}

/** Whoever can hold a key. Its row is the lock between the issue of tokens and their revocation. */
export interface SubjectTable {
  uid: string;
  kind: Subject['kind'];
  /** Readable name; the slug of a service account. */
  name: string;
  /** The organisation that a service account belongs to. */
  organization_uid: string | null;
  instance_owner: Generated<boolean>;
  create_time: DatabaseTime;
  delete_time: NullableTime;
}

export interface MemberTable {
  organization_uid: string;
  subject_uid: string;
  role: RoleName;
  /** Whether only the environments in `member_environment` are covered: none, once all of them have been deleted. */
  limited: boolean;
  create_time: DatabaseTime;
}

export interface MemberEnvironmentTable {
  organization_uid: string;
  subject_uid: string;
  environment_uid: string;
}

export interface ApiKeyTable {
  uid: string;
  subject_uid: string;
  name: string;
  /** SHA-256 of the key; the key has 256 random bits, so nothing slower is needed. */
  hash: Buffer;
  prefix: string;
  last_characters: string;
  create_time: DatabaseTime;
  expire_time: NullableTime;
  last_use_time: NullableTime;
  revoke_time: NullableTime;
}

export interface RevocationTable {
  subject_uid: string;
  not_before: Date;
}

export interface AuditRecordTable {
  uid: Generated<string>;
  organization_uid: string;
  record_time: DatabaseTime;
  action: string;
  actor_uid: string;
  actor_name: string;
  via_service: string;
  api_key_uid: string;
  resource_kind: string;
  resource_uid: string;
  resource_slug: string;
  request_id: string;
  outcome: string;
  details: unknown;
  peer_address: string;
}

/** better-auth's user. */
export interface PersonTable {
  id: string;
  name: string;
  email: string;
  email_verified: boolean;
  image: string | null;
  create_time: Date;
  update_time: Date;
}

/** better-auth's key pair for signing; the private key is encrypted. */
export interface SigningKeyTable {
  id: string;
  public_key: string;
  private_key: string;
  alg: 'EdDSA' | 'ES256' | 'ES512' | 'PS256' | 'RS256' | null;
  crv: 'Ed25519' | 'P-256' | 'P-521' | null;
  create_time: Date;
  expire_time: Date | null;
}

/** The secret that encrypts the private signing keys, wrapped by the master key of the fingerprint. */
export interface TokenSecretTable {
  singleton: Generated<boolean>;
  master_fingerprint: string;
  wrapped: Buffer;
}

export interface IdentityTables {
  organization: OrganizationTable;
  environment: EnvironmentTable;
  subject: SubjectTable;
  member: MemberTable;
  member_environment: MemberEnvironmentTable;
  api_key: ApiKeyTable;
  revocation: RevocationTable;
  audit_record: AuditRecordTable;
  person: PersonTable;
  signing_key: SigningKeyTable;
  token_secret: TokenSecretTable;
}
