import { randomBytes, randomUUID } from 'node:crypto';
import { Role } from '@planton/api/identity/v1/organization';
import type { EngineKind } from '@planton/database';
import { type Listener, type OidcSettings, serve } from '@planton/rpc';
import { afterAll, beforeAll } from 'vitest';
import { prepareOwnerLink } from '../sign-in/offer-owner-link.ts';
import { ownerLinkFile } from '../sign-in/owner-link.ts';
import { authorizationWords, type Browser, browse } from './browse.ts';
import { ISSUER } from './open-fixture.ts';
import { useFixture } from './use-fixture.ts';

export const EMAIL = 'ada@example.com';
export const PASSWORD = 'correct horse battery staple';

/** What a program is given at the token endpoint. */
export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly expires_in: number;
  readonly error?: string;
}

export interface Invited {
  readonly org: string;
  readonly email: string;
  readonly uid: string;
  readonly path: string;
}

/** Gives the surrounding `describe` Identity and its pages on a port. */
export function useSite(kind: EngineKind, oidc?: OidcSettings) {
  const fixture = useFixture(kind, oidc);
  let listener: Listener | undefined;
  beforeAll(async () => {
    listener = await serve({
      address: '127.0.0.1:0',
      services: [],
      routes: () => {},
      guard: fixture().guard,
      ready: async () => true,
      http: fixture().identity.http,
    });
  });
  afterAll(() => listener?.close(0));

  const url = () => listener?.url ?? '';
  /** The path of a new link for the owner, as the command makes it beside a server that runs. */
  const newOwnerLink = async (now = Date.now()) => {
    const link = await prepareOwnerLink({
      file: ownerLinkFile(fixture().folder),
      publicUrl: ISSUER,
      now,
      newUid: randomUUID,
      randomBytes,
    });
    return link.url.slice(ISSUER.length);
  };
  /** A browser in which the owner has just set up the account. */
  const signedIn = async (): Promise<Browser> => {
    const browser = browse(url());
    const page = await browser.open(await newOwnerLink());
    const set = { name: 'Ada', email: EMAIL, password: PASSWORD, again: PASSWORD };
    const done = await browser.submit(page, '/auth/owner', set);
    if (done.status !== 303) throw new Error(done.text);
    return browser;
  };
  /** An invitation by the owner, and the path of its link. */
  const invite = async (
    more: { org?: string; email?: string; role?: Role; environments?: string[] } = {},
  ): Promise<Invited> => {
    const { root, guard, newOrganization } = fixture();
    // Links are secrets, which are not handed out on a picture of the revocations that is old.
    await guard.revocations.refresh();
    const org = more.org ?? (await newOrganization()).slug;
    const email = more.email ?? `${randomUUID().slice(0, 13)}@example.com`;
    const request = { org, email, role: more.role ?? Role.DEVELOPER, environments: more.environments ?? [] };
    const { link, invitation } = await root.createInvitation(request);
    return { org, email, uid: invitation?.uid ?? '', path: link.slice(ISSUER.length) };
  };
  /** Somebody who was invited and has just set up the account, signed in. */
  const newPerson = async (name = `person-${randomUUID().slice(0, 8)}`) => {
    const { email, org, path } = await invite();
    const browser = browse(url());
    const set = { name, password: PASSWORD, again: PASSWORD };
    const done = await browser.submit(await browser.open(path), '/auth/invitation', set);
    if (done.status !== 200) throw new Error(done.text);
    const { members } = await fixture().root.listMembers({ org });
    const uid = members.find((member) => member.name === name)?.subjectUid ?? '';
    return { browser, uid, name, email, org };
  };
  const post = async (path: string, words: Record<string, string>) => {
    const response = await fetch(`${url()}${path}`, { method: 'POST', body: new URLSearchParams(words) });
    return { status: response.status, headers: response.headers, body: (await response.json()) as Tokens };
  };
  const token = (words: Record<string, string>) =>
    post('/auth/token', { client_id: 'planton-cli', ...words });
  /** A code that a person has just allowed, and all that it takes to exchange it. */
  const newCode = async (browser: Browser) => {
    const { verifier, words } = authorizationWords();
    const page = await browser.open(`/auth/authorize?${new URLSearchParams(words)}`);
    const led = await browser.submit(page, '/auth/authorize', { answer: 'yes' });
    const code = new URL(led.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const { redirect_uri } = words;
    return { grant_type: 'authorization_code', code, redirect_uri, code_verifier: verifier };
  };
  const newGrant = async (browser: Browser) => (await token(await newCode(browser))).body;
  return {
    fixture,
    url,
    browse: () => browse(url()),
    newOwnerLink,
    signedIn,
    invite,
    newPerson,
    post,
    token,
    newCode,
    newGrant,
  };
}
