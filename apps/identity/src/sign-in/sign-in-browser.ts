import type { HttpRequest, RequestOrigin } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import { peerAddressOf } from '../pages/exchange.ts';
import type { IdentityTables } from '../schema.ts';
import { BROWSER_SESSION_S, deleteBrowserSession, insertBrowserSession } from './browser-session-store.ts';
import type { Person } from './person-store.ts';
import type { Site } from './site.ts';

/** What is on record of a request that nobody is known to have sent. */
export function originOf(site: Pick<Site, 'newUid'>, request: HttpRequest): RequestOrigin {
  return { requestId: site.newUid(), peerAddress: peerAddressOf(request) };
}

/** What is on record of whoever did something on a page. */
export function actorOf(site: Pick<Site, 'newUid'>, request: HttpRequest, person: Person) {
  const { uid, name, instanceOwner } = person;
  return {
    subject: { kind: 'user' as const, uid, name, instanceOwner },
    ...originOf(site, request),
  };
}

/**
 * Signs a browser in, under a token that it never had before: one that somebody put there is worth nothing.
 *
 * @returns the cookies to set
 */
export async function signInBrowser(
  site: Site,
  tx: Kysely<IdentityTables>,
  request: HttpRequest,
  person: Person,
  how: string,
): Promise<readonly string[]> {
  const { cookies } = site;
  const token = site.randomBytes(32).toString('base64url');
  const before = cookies.read(request, 'session');
  if (before !== undefined) await deleteBrowserSession(tx, before);
  await insertBrowserSession(tx, {
    id: site.newUid(),
    personUid: person.uid,
    token,
    peerAddress: peerAddressOf(request),
    userAgent: String(request.headers['user-agent'] ?? ''),
  });
  await recordAudit(tx, '', actorOf(site, request, person), {
    action: 'session.sign_in',
    resource: { kind: 'user', uid: person.uid, slug: person.name },
    details: { how },
  });
  return [cookies.write('session', token, BROWSER_SESSION_S), cookies.write('form', undefined)];
}
