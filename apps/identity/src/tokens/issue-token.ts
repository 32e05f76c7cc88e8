import { type DomainError, unauthenticated } from '@planton/rpc';
import { hashKey, isApiKey } from '../api-keys/mint-key.ts';
import type { Deps } from '../deps.ts';
import { isSessionAccess } from '../grants/mint-session.ts';
import { accessTokenClaims, type TokenFacts } from './access-token.ts';
import { type CredentialKind, readServiceFacts, readTokenFacts } from './exchange-store.ts';

/** A signed access token and its end in milliseconds since the epoch. */
export interface IssuedToken {
  readonly token: string;
  readonly expireTime: number;
}

/**
 * Exchanges an API key, or the access credential of a session grant, for an access token.
 *
 * Throws `API_KEY_INVALID` or `SESSION_INVALID`, one and the same for every reason that it can have not to work.
 */
export async function exchangeKey(
  { database, signer }: Pick<Deps, 'database' | 'signer'>,
  credential: string,
  org: string,
): Promise<IssuedToken> {
  const kind = kindOf(credential);
  if (!kind) throw keyInvalid();
  const hash = hashKey(credential);
  const facts = await database.transact((tx) => readTokenFacts(tx, kind, hash, org));
  if (!facts) throw kind === 'api_key' ? keyInvalid() : sessionInvalid();
  return signFacts(signer, facts);
}

/**
 * Issues a service of the platform its own token, in the process that runs Identity: there it needs no key.
 *
 * @throws Error when there is no such service
 */
export async function issueServiceToken(
  { database, signer }: Pick<Deps, 'database' | 'signer'>,
  service: string,
): Promise<IssuedToken> {
  const facts = await readServiceFacts(database.query, service);
  if (!facts) throw new Error(`there is no service identity "${service}": bootstrap the instance first`);
  return signFacts(signer, facts);
}

async function signFacts(signer: Deps['signer'], facts: TokenFacts): Promise<IssuedToken> {
  const claims = accessTokenClaims(facts);
  return { token: await signer.sign(claims), expireTime: claims.exp * 1000 };
}

function kindOf(credential: string): CredentialKind | undefined {
  if (isApiKey(credential)) return 'api_key';
  return isSessionAccess(credential) ? 'session' : undefined;
}

function sessionInvalid(): DomainError {
  return unauthenticated('SESSION_INVALID', 'you are not signed in any more', { hint: 'planton auth login' });
}

function keyInvalid(): DomainError {
  return unauthenticated('API_KEY_INVALID', 'the API key is not valid: unknown, expired or revoked', {
    hint: 'planton auth login',
  });
}
