import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { isRoleName } from '../access/permissions.ts';
import type { Membership, Subject } from '../caller/caller.ts';

/** The audience of every access token. */
export const TOKEN_AUDIENCE = 'planton';

/** Algorithms that access tokens may be signed with. A token cannot choose another. */
const ALGORITHMS = ['EdDSA', 'ES256'];

/** Seconds by which the clocks of two services may differ. */
const CLOCK_TOLERANCE_S = 5;

/** Milliseconds between two fetches of the keys: whoever makes up names of keys costs one a second, and delays nobody by more. */
const FETCH_INTERVAL_MS = 1_000;

/** A verified access token. Times are milliseconds since the epoch. */
export interface AccessToken {
  readonly token: string;
  readonly subject: Subject;
  readonly membership?: Membership;
  readonly issueTime: number;
  readonly expireTime: number;
}

/** Says why a token was not accepted, for the log alone: callers are told that it was not, never why. */
export class TokenRefused extends Error {}

/** A token that was good and has ended: that much its holder may know. */
export class TokenExpired extends TokenRefused {}

/**
 * Makes a verifier of access tokens: JWTs that Identity signed, for this issuer and audience, with a key of its key set.
 *
 * @param fetchKeys fetches the public keys; called for the first token, and again when a token names an unknown key
 */
export function createTokenVerifier(settings: {
  readonly issuer: string;
  readonly fetchKeys: () => Promise<JSONWebKeySet>;
  readonly now: () => number;
}): (token: string) => Promise<AccessToken> {
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  /** When the fetch began that brought `keys`. */
  let begun = Number.NEGATIVE_INFINITY;
  let fetching: Promise<void> | undefined;

  const fetch = async () => {
    const pause = begun + FETCH_INTERVAL_MS - performance.now();
    if (pause > 0) await sleep(pause);
    const began = performance.now();
    keys = createLocalJWKSet(await settings.fetchKeys());
    begun = began;
  };
  const refetch = () => {
    fetching ??= fetch().finally(() => {
      fetching = undefined;
    });
    return fetching;
  };
  /** Fetches what is published by now: a fetch that is under way already may have missed it. */
  const fetchNewer = async () => {
    for (const now = performance.now(); begun < now; ) await refetch();
  };

  const verify = async (token: string): Promise<JWTPayload> => {
    if (!keys) await refetch();
    if (!keys) throw new TokenRefused('there are no keys');
    const { payload } = await jwtVerify(token, keys, {
      issuer: settings.issuer,
      audience: TOKEN_AUDIENCE,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(settings.now()),
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    return payload;
  };

  return async (token) => {
    try {
      return readClaims(token, await verify(token));
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw refusal(error);
    }
    await fetchNewer();
    try {
      return readClaims(token, await verify(token));
    } catch (error) {
      throw refusal(error);
    }
  };
}

function refusal(error: unknown): unknown {
  // Claims are looked at after the signature.
  if (error instanceof errors.JWTExpired) return new TokenExpired(error.code);
  return error instanceof errors.JOSEError ? new TokenRefused(error.code) : error;
}

/** Reads the claims of a token whose signature was verified. The signer is trusted, the shape is not. */
function readClaims(token: string, claims: JWTPayload): AccessToken {
  const { sub, name, kind, key, owner, ms, exp } = claims;
  if (
    typeof sub !== 'string' ||
    typeof name !== 'string' ||
    typeof ms !== 'number' ||
    typeof exp !== 'number' ||
    (kind !== 'user' && kind !== 'service_account' && kind !== 'service')
  ) {
    throw new TokenRefused('claims are not those of an access token');
  }
  const membership = readMembership(claims.org);
  return {
    token,
    subject: {
      kind,
      uid: sub,
      name,
      instanceOwner: owner === true,
      ...(typeof key === 'string' ? { apiKeyUid: key } : {}),
    },
    ...(membership ? { membership } : {}),
    issueTime: ms,
    expireTime: exp * 1000,
  };
}

function readMembership(org: unknown): Membership | undefined {
  if (org === undefined) return undefined;
  const { uid, slug, role, envs } = Object(org);
  if (typeof uid !== 'string' || typeof slug !== 'string' || !isRoleName(role)) {
    throw new TokenRefused('the organisation of the token is malformed');
  }
  if (envs !== undefined && !(Array.isArray(envs) && envs.every((env) => typeof env === 'string'))) {
    throw new TokenRefused('the environments of the token are malformed');
  }
  return { organization: { uid, slug }, role, environments: envs ?? 'all' };
}
