import { createServer, type Server } from 'node:http';
import Provider from 'oidc-provider';
import { afterAll, describe, expect, test } from 'vitest';
import { type Browser, browse } from '../testing/browse.ts';
import { useSite } from '../testing/use-site.ts';

const REDIRECT = 'http://127.0.0.1:8080/auth/oidc/callback';
const client = { id: 'planton', secret: 'a secret of more than 32 characters, as keys of HMAC are' };

/** The provider from the npm registry, whose own pages sign in whoever types a name. */
async function startProvider(): Promise<{ readonly issuer: string; readonly server: Server }> {
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [REDIRECT],
        grant_types: ['authorization_code'],
      },
    ],
    claims: { email: ['email', 'email_verified'], profile: ['name'] },
    pkce: { required: () => true },
    cookies: { keys: ['a key for the cookies of the test'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, name: id.toUpperCase() }),
    }),
  });
  const handle = provider.callback();
  return { issuer, server };
}

const { issuer, server } = await startProvider();
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

/** Goes through the provider's pages as a person does, to where they lead back. */
async function passThrough(browser: Browser, location: string, name: string): Promise<URL> {
  let at = new URL(location, issuer);
  for (let step = 0; step < 12; step++) {
    if (at.href.startsWith(REDIRECT)) return at;
    const page = await browser.open(at.pathname + at.search);
    const next = page.headers.get('location');
    if (next) {
      at = new URL(next, issuer);
      continue;
    }
    const prompt = /name="prompt" value="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const words: Record<string, string> =
      prompt === 'login' ? { prompt, login: name, password: 'any' } : { prompt };
    const action = /action="([^"]+)"/.exec(page.text)?.[1] ?? '';
    const sent = await browser.submit({ ...page, text: '' }, new URL(action, issuer).pathname, words);
    at = new URL(sent.headers.get('location') ?? '', issuer);
  }
  throw new Error(`the provider leads nowhere: ${at.href}`);
}

describe('sign-in with a provider as people run it', () => {
  const site = useSite('pglite', {
    issuer,
    clientId: client.id,
    clientSecret: client.secret,
    allowedDomains: [],
    defaultRole: 'viewer',
  });

  test('goes the whole way: there, through its pages, and back signed in', async () => {
    const here = site.browse();
    const departed = await here.open('/auth/oidc/start');
    const back = await passThrough(browse(issuer), departed.headers.get('location') ?? '', 'linus');
    const done = await here.open(back.pathname + back.search);
    expect([done.status, done.headers.get('location')]).toEqual([303, '/auth/account']);
    const account = await here.open('/auth/account');
    expect(account.text).toContain('LINUS');
    expect(account.text).toContain('linus@example.com');
    expect((await here.open(back.pathname + back.search)).status).toBe(400);
  });
});
