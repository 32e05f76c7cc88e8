import { createHmac, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';

/** What the ID token of the next sign-in is to be. */
export interface Wanted {
  readonly claims?: Record<string, unknown>;
  /** How it is signed. Default: with the provider's key. */
  readonly sign?: 'key' | 'other_key' | 'none' | 'hs256_public' | 'hs256_secret';
  /** What the provider says that it is, at its own address. */
  readonly issuer?: string;
}

interface Asked {
  readonly nonce: string;
  readonly challenge: string;
  readonly wanted: Wanted;
}

/** A provider that signs in whomever it is told to, with ID tokens as no real provider makes them. */
export async function startBadProvider(client: { readonly id: string; readonly secret: string }) {
  let keys = await newKeys();
  const asked = new Map<string, Asked>();
  let issuerClaimed: string | undefined;
  const seen: { challenge?: string; verifier?: string }[] = [];
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '', issuer);
    const reply = (body: object) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (url.pathname === '/.well-known/openid-configuration') {
      return reply({
        issuer: issuerClaimed ?? issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      });
    }
    if (url.pathname === '/jwks') return reply({ keys: [keys.jwk] });
    let text = '';
    for await (const chunk of request) text += chunk;
    const form = new URLSearchParams(text);
    const found = asked.get(form.get('code') ?? '');
    if (!found) return response.writeHead(400).end('{"error":"invalid_grant"}');
    asked.delete(form.get('code') ?? '');
    seen.push({ challenge: found.challenge, verifier: form.get('code_verifier') ?? '' });
    return reply({ access_token: 'a', token_type: 'Bearer', expires_in: 60, id_token: await idToken(found) });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const issuer = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;

  const idToken = async ({ nonce, wanted }: Asked): Promise<string> => {
    const seconds = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: client.id,
      sub: 'sub',
      nonce,
      iat: seconds,
      exp: seconds + 60,
      ...wanted.claims,
    };
    const unsigned = (alg: string) =>
      [{ alg, kid: keys.jwk.kid }, claims]
        .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
        .join('.');
    const hmac = (secret: string) =>
      `${unsigned('HS256')}.${createHmac('sha256', secret).update(unsigned('HS256')).digest('base64url')}`;
    if (wanted.sign === 'none') return `${unsigned('none')}.`;
    if (wanted.sign === 'hs256_secret') return hmac(client.secret);
    if (wanted.sign === 'hs256_public') return hmac(JSON.stringify(keys.jwk));
    const { key } = wanted.sign === 'other_key' ? await newKeys() : keys;
    return new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: keys.jwk.kid ?? '' }).sign(key);
  };

  return {
    issuer,
    seen,
    stop: () => server.close(),
    /** From now on it signs with another key, and knows the one before no more. */
    rotate: async () => {
      keys = await newKeys();
    },
    /** From now on it says that it is somebody else. */
    claimToBe: (other: string | undefined) => {
      issuerClaimed = other;
    },
    /** Takes the browser of a sign-in, and answers the query that it comes back with. */
    signIn: (location: string, wanted: Wanted = {}): URLSearchParams => {
      const words = new URL(location).searchParams;
      const code = randomUUID();
      asked.set(code, {
        nonce: words.get('nonce') ?? '',
        challenge: words.get('code_challenge') ?? '',
        wanted,
      });
      return new URLSearchParams({ code, state: words.get('state') ?? '' });
    },
  };
}

async function newKeys(): Promise<{ readonly key: CryptoKey; readonly jwk: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  return {
    key: privateKey,
    jwk: { ...(await exportJWK(publicKey)), kid: randomUUID(), alg: 'ES256', use: 'sig' },
  };
}
