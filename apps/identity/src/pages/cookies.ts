import type { HttpRequest } from '@planton/rpc';

/** The cookies of the pages: the sign-in of a browser, what ties a form to the browser that it was sent to, and what it came for. */
export type CookieName = 'session' | 'form' | 'oidc' | 'invitation';

/** Reads and writes the cookies of one origin. Over https their names keep neighbours from setting them (`__Host-`). */
export interface Cookies {
  read(request: HttpRequest, name: CookieName): string | undefined;
  /** A `Set-Cookie` value; without a value it removes the cookie. */
  write(name: CookieName, value: string | undefined, maxAgeSeconds?: number): string;
}

/** What is in our cookies, and nothing else is looked at. */
const VALUE = /^[A-Za-z0-9_.-]{1,2048}$/;

export function createCookies(secure: boolean): Cookies {
  const fullName = (name: CookieName) => `${secure ? '__Host-' : ''}planton-${name}`;
  return {
    read: (request, name) => {
      const wanted = `${fullName(name)}=`;
      const found = (request.headers.cookie ?? '')
        .split(';')
        .map((each) => each.trim())
        .filter((each) => each.startsWith(wanted))
        .map((each) => each.slice(wanted.length));
      const [only] = found;
      return found.length === 1 && only !== undefined && VALUE.test(only) ? only : undefined;
    },
    write: (name, value, maxAgeSeconds) => {
      const parts = [`${fullName(name)}=${value ?? ''}`, 'Path=/', 'HttpOnly', 'SameSite=Lax'];
      if (secure) parts.push('Secure');
      if (value === undefined) parts.push('Max-Age=0');
      else if (maxAgeSeconds !== undefined) parts.push(`Max-Age=${maxAgeSeconds}`);
      return parts.join('; ');
    },
  };
}
