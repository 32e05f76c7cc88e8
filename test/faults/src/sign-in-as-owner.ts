import { createHash, randomBytes } from 'node:crypto';

/** What a sign-in with a browser gives a program. */
export interface SignedIn {
  /** What is sent as a bearer. */
  readonly access: string;
  /** Ends the sign-in, as `planton auth logout` does. */
  signOut(): Promise<void>;
}

/** Asks for a page, or sends a form, with the cookies of before. */
type Ask = (
  path: string,
  form?: Record<string, string>,
) => Promise<{ readonly form_token: string; readonly location: string }>;

/**
 * Sets the owner's account up by its link, and signs a program in by the pages, as a browser would.
 *
 * @param password what it is set to; random when absent
 */
export async function signInAsOwner(
  ownerLink: string,
  password = randomBytes(16).toString('hex'),
): Promise<SignedIn> {
  const { origin, pathname, search } = new URL(ownerLink);
  const ask = openBrowser(origin);
  const { form_token } = await ask(pathname + search);
  const token = new URLSearchParams(search).get('token') ?? '';
  const person = { name: 'Ada', email: 'ada@example.com', password, again: password };
  await ask(pathname, { form_token, token, ...person });
  return signProgramIn(origin, ask);
}

/** Signs somebody who has a password in, and a program by the pages. */
export async function signInWithPassword(origin: string, email: string, password: string): Promise<SignedIn> {
  const ask = openBrowser(origin);
  const { form_token } = await ask('/auth/sign-in');
  await ask('/auth/sign-in', { form_token, email, password });
  return signProgramIn(origin, ask);
}

function openBrowser(origin: string): Ask {
  const cookies = new Map<string, string>();
  return async (path, form) => {
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
    return { form_token, location: response.headers.get('location') ?? '' };
  };
}

async function signProgramIn(origin: string, ask: Ask): Promise<SignedIn> {
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
