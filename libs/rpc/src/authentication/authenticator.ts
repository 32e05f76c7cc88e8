import { createHash } from 'node:crypto';
import { type DomainError, unauthenticated, unavailable } from '../errors/domain-error.ts';
import { toDomainError } from '../errors/map-error.ts';
import type { FailureCounter } from '../limits/count-failures.ts';
import { type AccessToken, TokenExpired, TokenRefused } from './access-token.ts';
import type { Revocations } from './revocations.ts';

/** How many verified credentials are remembered at most. */
const CAPACITY = 10_000;

/** Milliseconds before its end at which a token that we exchanged is renewed rather than used. */
const RENEW_BEFORE_MS = 30_000;

/** Milliseconds that a stream may outlive its token: with the five minutes of the token, what the feed of revocations goes back. */
const OUTLIVED_AFTER_MS = 4 * 60_000;

/** The longest credential that is looked at. */
const MAX_CREDENTIAL_LENGTH = 16_384;

export interface Authenticator {
  /**
   * Says whose credential it is: an access token as it is, an API key through Identity.
   *
   * @param org organisation that the token of an API key shall speak for; empty for none
   * @param peerAddress where the credential comes from: wrong ones are counted for it; none are when it is absent
   */
  authenticate(credential: string, org: string, peerAddress?: string): Promise<AccessToken>;
  /**
   * Whether a credential is the access token of a service of the platform that has called already, as each does twice a second. Only what is
   * remembered is looked up: made-up tokens cost nothing. Never throws.
   */
  isService(credential: string | undefined): Promise<boolean>;
  /**
   * What a token that was verified is worth by now, for what goes on after it was let in: `outlived` where it ended so long ago that
   * its revocation may have been forgotten.
   */
  standingOf(token: AccessToken): 'good' | 'revoked' | 'outlived';
}

/**
 * Makes an authenticator. It remembers verified credentials by their hash until they expire; every use is checked against
 * the revocations, and a revoked entry is forgotten, so a remembered key gets its current rights within a second.
 *
 * @param exchange exchanges an API key for an access token
 */
export function createAuthenticator(settings: {
  readonly verify: (token: string) => Promise<AccessToken>;
  readonly exchange: (apiKey: string, org: string) => Promise<string>;
  readonly revocations: Revocations;
  readonly failures: FailureCounter;
  readonly now: () => number;
}): Authenticator {
  const { failures } = settings;
  const remembered = new Map<string, Promise<AccessToken>>();

  const remember = (key: string, made: Promise<AccessToken>) => {
    remembered.delete(key);
    remembered.set(key, made);
    for (const oldest of remembered.keys()) {
      if (remembered.size <= CAPACITY) break;
      remembered.delete(oldest);
    }
    made.catch(() => {
      if (remembered.get(key) === made) remembered.delete(key);
    });
    return made;
  };

  const isRevoked = ({ subject, issueTime }: AccessToken) =>
    settings.revocations.isRevoked(subject.uid, issueTime) ||
    (subject.apiKeyUid !== undefined && settings.revocations.isRevoked(subject.apiKeyUid, issueTime));

  /** Looks at a credential that is not remembered, unless too many wrong ones came from there. */
  const prove = async (peerAddress: string, look: () => Promise<AccessToken>) => {
    await failures.refusePaused(peerAddress);
    try {
      return await look();
    } catch (error) {
      if (isWrong(error)) await failures.count(peerAddress);
      throw error;
    }
  };

  const useAccessToken = async (credential: string, peerAddress: string) => {
    const key = digest(credential);
    const token = await (remembered.get(key) ??
      remember(
        key,
        prove(peerAddress, () => settings.verify(credential)),
      ));
    if (token.expireTime <= settings.now()) throw tokenExpired();
    if (isRevoked(token)) throw tokenRevoked();
    return token;
  };

  const exchange = async (credential: string, org: string) =>
    settings.verify(await settings.exchange(credential, org));

  const useApiKey = async (credential: string, org: string, peerAddress: string) => {
    const key = digest(`${org}\0${credential}`);
    const known = remembered.get(key);
    if (known) {
      const token = await known;
      if (token.expireTime - RENEW_BEFORE_MS > settings.now() && !isRevoked(token)) return token;
      if (remembered.get(key) === known) remembered.delete(key);
    }
    // What was good a moment ago is no guess.
    const guesser = known ? '' : peerAddress;
    const token = await (remembered.get(key) ??
      remember(
        key,
        prove(guesser, () => exchange(credential, org)),
      ));
    if (isRevoked(token)) throw refusal('the API key has been revoked', 'API_KEY_INVALID');
    return token;
  };

  return {
    standingOf: (token) => {
      if (isRevoked(token)) return 'revoked';
      return token.expireTime + OUTLIVED_AFTER_MS < settings.now() ? 'outlived' : 'good';
    },
    isService: async (credential = '') => {
      const token = await remembered.get(digest(credential))?.catch(() => undefined);
      if (!token || isRevoked(token) || token.expireTime <= settings.now()) return false;
      return token.subject.kind === 'service';
    },
    authenticate: async (credential, org, peerAddress = '') => {
      if (credential.length > MAX_CREDENTIAL_LENGTH)
        throw refusal('the credential is too long', 'TOKEN_INVALID');
      try {
        return await (looksLikeToken(credential)
          ? useAccessToken(credential, peerAddress)
          : useApiKey(credential, org, peerAddress));
      } catch (error) {
        if (error instanceof TokenExpired) throw tokenExpired(error);
        if (error instanceof TokenRefused)
          throw refusal('the access token is not valid', 'TOKEN_INVALID', error);
        throw error;
      }
    },
  };
}

/** The error for a feed that is too old to hand out secrets. */
export function revocationsStale(): DomainError {
  return unavailable(
    'REVOCATIONS_STALE',
    'secrets are not handed out while it is not known which keys are revoked',
    {
      hint: 'try again in a moment; identity does not answer this service',
    },
  );
}

/** The error for a token that was good and is not any more. */
export function tokenRevoked(): DomainError {
  return refusal('the access token has been revoked', 'TOKEN_REVOKED');
}

function tokenExpired(cause?: unknown): DomainError {
  return refusal('the access token has expired', 'TOKEN_EXPIRED', cause);
}

function refusal(message: string, reason: string, cause?: unknown): DomainError {
  return unauthenticated(reason, message, { hint: 'planton auth login', cause });
}

/** Whether an error says that the credential was not right. One that has ended was right once: its signature was. */
function isWrong(error: unknown): boolean {
  if (error instanceof TokenRefused) return !(error instanceof TokenExpired);
  return toDomainError(error)?.kind === 'unauthenticated';
}

function looksLikeToken(credential: string): boolean {
  return credential.startsWith('eyJ') && credential.split('.', 4).length === 3;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64');
}
