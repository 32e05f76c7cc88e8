import { unauthenticated } from '../errors/domain-error.ts';

/** The credential of a request: `Authorization: Bearer …`. Throws `NO_TOKEN`. */
export function credentialOf(header: Headers): string {
  const credential = findCredential(header);
  if (credential !== undefined) return credential;
  throw unauthenticated('NO_TOKEN', 'this needs an API key or access token', { hint: 'planton auth login' });
}

export function findCredential(header: Headers): string | undefined {
  return /^Bearer +(\S+)$/i.exec(header.get('authorization') ?? '')?.[1];
}
