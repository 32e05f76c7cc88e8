import { createHash, randomBytes } from 'node:crypto';

/** An answer, with the text of its body. */
export interface Page {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** A browser of sorts: it keeps cookies, sends forms as they are on the page, and follows no redirect. */
export interface Browser {
  readonly cookies: Map<string, string>;
  open(path: string, headers?: Record<string, string>): Promise<Page>;
  /** Sends a form with the hidden fields of the page and the given ones. */
  submit(
    page: Page,
    path: string,
    fields: Record<string, string>,
    headers?: Record<string, string>,
  ): Promise<Page>;
}

export function browse(url: string): Browser {
  const cookies = new Map<string, string>();
  const ask = async (path: string, init: RequestInit, headers: Record<string, string>): Promise<Page> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${url}${path}`, {
      ...init,
      redirect: 'manual',
      headers: { ...(cookie ? { cookie } : {}), ...headers },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/Max-Age=0(;|$)/.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  return {
    cookies,
    open: (path, headers = {}) => ask(path, {}, headers),
    submit: (page, path, fields, headers = {}) =>
      ask(
        path,
        { method: 'POST', body: new URLSearchParams({ ...hiddenFields(page), ...fields }) },
        { origin: url, ...headers },
      ),
  };
}

/** The hidden fields of the first form of a page. */
export function hiddenFields({ text }: Page): Record<string, string> {
  const form = text.slice(0, text.indexOf('</form>'));
  const fields = form.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g);
  return Object.fromEntries([...fields].map(([, name = '', value = '']) => [name, decode(value)]));
}

function decode(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

/** A PKCE pair and what else a program puts into its request. */
export function authorizationWords(port = 45_678) {
  const verifier = randomBytes(32).toString('base64url');
  const words = {
    response_type: 'code',
    client_id: 'planton-cli',
    redirect_uri: `http://127.0.0.1:${port}/callback`,
    state: randomBytes(16).toString('base64url'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    label: 'planton on laptop',
  };
  return { verifier, words };
}
