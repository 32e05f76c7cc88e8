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
  /** Since when the owner of the instance keeps a person out. */
  disable_time: NullableTime;
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

/** better-auth's sign-in of a browser; the token is the hash of what the browser holds. */
export interface SessionTable {
  id: string;
  person_id: string;
  token: string;
  ip_address: string | null;
  user_agent: string | null;
  create_time: Date;
  update_time: Date;
  expire_time: Date;
}

/** better-auth's way to sign in: the provider `credential` has a password, hashed by that library. */
export interface AccountTable {
  id: string;
  person_id: string;
  account_id: string;
  provider_id: string;
  password: string | null;
  create_time: Date;
  update_time: Date;
}

/** better-auth's note of what is verified later. */
export interface VerificationTable {
  id: string;
  identifier: string;
  value: string;
  create_time: Date;
  update_time: Date;
  expire_time: Date;
}

/** A link to set up the owner's account, for one use. */
export interface OwnerLinkTable {
  hash: Buffer;
  expire_time: Date;
  use_time: NullableTime;
}

/** Failures in a row of an account or an address, and until when nothing is tried for it. */
export interface SignInFailureTable {
  key: string;
  failures: number;
  last_time: Date;
  blocked_until: Date;
}

/** That a program acts for a person who signed in in a browser: what `planton auth login` gets. */
export interface SessionGrantTable {
  uid: string;
  subject_uid: string;
  /** The program and its machine, as it calls itself. */
  label: string;
  create_time: DatabaseTime;
  expire_time: Date;
  last_use_time: NullableTime;
  revoke_time: NullableTime;
}

export interface SessionAccessTable {
  hash: Buffer;
  grant_uid: string;
  expire_time: Date;
}

export interface SessionRefreshTable {
  hash: Buffer;
  grant_uid: string;
  create_time: DatabaseTime;
  /** When it was exchanged for the next one; once more ends the grant. */
  spend_time: NullableTime;
}

export interface AuthorizationCodeTable {
  hash: Buffer;
  subject_uid: string;
  redirect_uri: string;
  code_challenge: string;
  label: string;
  expire_time: Date;
  spend_time: NullableTime;
  grant_uid: string | null;
}

export interface DeviceRequestTable {
  uid: string;
  device_hash: Buffer;
  user_code: string;
  label: string;
  peer_address: string;
  create_time: DatabaseTime;
  expire_time: Date;
  /** Seconds that the program waits between two questions. */
  pause_seconds: number;
  poll_time: NullableTime;
  state: Generated<'pending' | 'approved' | 'denied' | 'spent'>;
  subject_uid: string | null;
}

/** That whoever has the link may become a member; open while it is neither accepted nor revoked. */
export interface InvitationTable {
  uid: string;
  organization_uid: string;
  /** In the form that accounts are kept under. */
  email: string;
  role: RoleName;
  /** Whether only the environments in `invitation_environment` are covered: none, once all of them have been deleted. */
  limited: boolean;
  hash: Buffer;
  inviter_uid: string;
  create_time: DatabaseTime;
  expire_time: Date;
  accept_time: NullableTime;
  revoke_time: NullableTime;
}

export interface InvitationEnvironmentTable {
  invitation_uid: string;
  environment_uid: string;
}

/** A link that sets a new password of an account; gone once it is used. */
export interface PasswordLinkTable {
  subject_uid: string;
  hash: Buffer;
  expire_time: Date;
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
  session: SessionTable;
  account: AccountTable;
  verification: VerificationTable;
  owner_link: OwnerLinkTable;
  sign_in_failure: SignInFailureTable;
  session_grant: SessionGrantTable;
  session_access: SessionAccessTable;
  session_refresh: SessionRefreshTable;
  authorization_code: AuthorizationCodeTable;
  device_request: DeviceRequestTable;
  invitation: InvitationTable;
  invitation_environment: InvitationEnvironmentTable;
  password_link: PasswordLinkTable;
  signing_key: SigningKeyTable;
  token_secret: TokenSecretTable;
}
