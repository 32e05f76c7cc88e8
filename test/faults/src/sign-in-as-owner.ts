import { createHash, randomBytes } from 'node:crypto';

/** What a sign-in with a browser gives a program. */
export interface SignedIn {
  /** What is sent as a bearer. */
  readonly access: string;
  /** Ends the sign-in, as `planton auth logout` does. */
  signOut(): Promise<void>;
}

/** Sets the owner's account up by its link, and signs a program in by the pages, as a browser would. */
export async function signInAsOwner(ownerLink: string): Promise<SignedIn> {
  const { origin, pathname, search } = new URL(ownerLink);
  const cookies = new Map<string, string>();
  const ask = async (path: string, form?: Record<string, string>) => {
    const response = await fetch(origin + path, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map((each) => each.join('=')).join('; '), origin },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const text = await response.text();
    const form_token = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? '';
    return { text, form_token, location: response.headers.get('location') ?? '' };
  };

  const { form_token } = await ask(pathname + search);
  const password = randomBytes(16).toString('hex');
  const token = new URLSearchParams(search).get('token') ?? '';
  const person = { name: 'Ada', email: 'ada@example.com', password, again: password };
  await ask(pathname, { form_token, token, ...person });

  const verifier = randomBytes(32).toString('base64url');
  const words = {
    response_type: 'code',
    client_id: 'planton-cli',
    redirect_uri: 'http://127.0.0.1:45678/callback',
    state: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  };
  const asked = await ask(`/auth/authorize?${new URLSearchParams(words)}`);
  const allowed = await ask('/auth/authorize', { ...words, form_token: asked.form_token, answer: 'yes' });
  const { client_id, redirect_uri } = words;
  const response = await fetch(`${origin}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id,
      redirect_uri,
      code: new URL(allowed.location).searchParams.get('code') ?? '',
      code_verifier: verifier,
    }),
  });
  const given = (await response.json()) as { access_token: string; refresh_token: string };
  if (!response.ok) throw new Error(`nobody was signed in: ${response.status}`);
  return {
    access: given.access_token,
    signOut: async () => {
      const body = new URLSearchParams({ client_id, token: given.refresh_token });
      await fetch(`${origin}/auth/revoke`, { method: 'POST', body });
    },
  };
}
