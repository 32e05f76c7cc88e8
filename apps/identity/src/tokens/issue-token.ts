import { type DomainError, unauthenticated } from '@planton/rpc';
import { hashKey, isApiKey } from '../api-keys/mint-key.ts';
import type { Deps } from '../deps.ts';
import { accessTokenClaims, type TokenFacts } from './access-token.ts';
import { readServiceFacts, readTokenFacts } from './exchange-store.ts';

/** A signed access token and its end in milliseconds since the epoch. */
export interface IssuedToken {
  readonly token: string;
  readonly expireTime: number;
}

/**
 * Exchanges an API key for an access token.
 *
 * Throws `API_KEY_INVALID`, one and the same for every reason that a key can have not to work.
 */
export async function exchangeKey(
  { database, signer }: Pick<Deps, 'database' | 'signer'>,
  apiKey: string,
  org: string,
): Promise<IssuedToken> {
  if (!isApiKey(apiKey)) throw keyInvalid();
  const hash = hashKey(apiKey);
  const facts = await database.transact((tx) => readTokenFacts(tx, hash, org));
  if (!facts) throw keyInvalid();
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

function keyInvalid(): DomainError {
  return unauthenticated('API_KEY_INVALID', 'the API key is not valid: unknown, expired or revoked', {
    hint: 'planton auth login',
  });
}
