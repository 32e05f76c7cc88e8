import type { RoleName, Subject } from '@planton/rpc';

/** Milliseconds that an access token lives. Revocations are kept for longer than this. */
export const TOKEN_LIFETIME_MS = 5 * 60_000;

/** What is true of the bearer at one moment, by the database's clock. */
export interface TokenFacts {
  readonly subject: Subject;
  readonly membership?: {
    readonly organization: { readonly uid: string; readonly slug: string };
    readonly role: RoleName;
    /** Uids of the environments that the role covers; absent for all of them and the organisation level. */
    readonly environments?: readonly string[];
  };
  /** Milliseconds since the epoch. */
  readonly issueTime: number;
  /** When the API key ends, which the token does not outlive; absent for a key without an end. */
  readonly keyExpireTime?: number;
}

/**
 * The claims of an access token beside its issuer and audience. Revocation compares `ms`, since `iat` and `exp` count
 * seconds. One organisation at most, so that a token stays small and a leaked one reaches no further.
 */
export interface AccessTokenClaims extends Record<string, unknown> {
  readonly sub: string;
  readonly kind: Subject['kind'];
  readonly name: string;
  /** Uid of the API key that was exchanged. */
  readonly key?: string;
  /** Present and true for the owner of the instance. */
  readonly owner?: true;
  readonly org?: {
    readonly uid: string;
    readonly slug: string;
    readonly role: RoleName;
    /** Absent for all environments and the organisation level; empty for none. */
    readonly envs?: readonly string[];
  };
  readonly ms: number;
  readonly iat: number;
  readonly exp: number;
}

export function accessTokenClaims({
  subject,
  membership,
  issueTime,
  keyExpireTime = Number.POSITIVE_INFINITY,
}: TokenFacts): AccessTokenClaims {
  return {
    sub: subject.uid,
    kind: subject.kind,
    name: subject.name,
    ...(subject.apiKeyUid === undefined ? {} : { key: subject.apiKeyUid }),
    ...(subject.instanceOwner ? { owner: true } : {}),
    ...(membership && {
      org: {
        ...membership.organization,
        role: membership.role,
        ...(membership.environments && { envs: membership.environments }),
      },
    }),
    ms: issueTime,
    iat: Math.floor(issueTime / 1000),
    exp: Math.floor(Math.min(issueTime + TOKEN_LIFETIME_MS, keyExpireTime) / 1000),
  };
}
