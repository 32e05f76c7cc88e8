import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from '@planton/rpc';
import type { Cookies } from './cookies.ts';
import { FormRefused, type Words } from './read-form.ts';
import { type Html, html } from './render-page.ts';

/** What a page needs to send a form that only this browser can send back. */
export interface FormToken {
  /** The hidden field. */
  readonly field: Html;
  /** The cookie to set where the browser has none yet. */
  readonly cookies: readonly string[];
}

/** Keeps other sites from sending our forms in the name of whoever looks at them. */
export interface FormGuard {
  tokenFor(request: HttpRequest): FormToken;
  /** Throws `FormRefused`. */
  check(request: HttpRequest, form: Words): void;
}

/**
 * A form carries the hash of a cookie that scripts cannot read: of the sign-in where there is one, so that a form from before it, or from
 * another's, is worth nothing. Browsers also say where a form comes from.
 */
export function createFormGuard(settings: {
  readonly cookies: Cookies;
  readonly publicUrl: string;
  readonly randomBytes: (size: number) => Buffer;
}): FormGuard {
  const { cookies } = settings;
  const publicOrigin = new URL(settings.publicUrl).origin;
  const boundTo = (request: HttpRequest) => cookies.read(request, 'session') ?? cookies.read(request, 'form');

  const isOurs = (origin: string, request: HttpRequest) => {
    if (origin === publicOrigin) return true;
    const host = request.headers.host ?? request.headers[':authority'];
    return URL.parse(origin)?.host === host;
  };

  return {
    tokenFor: (request) => {
      const held = boundTo(request);
      const cookie = held ?? settings.randomBytes(32).toString('base64url');
      return {
        field: html`<input type="hidden" name="form_token" value="${tokenOf(cookie)}">`,
        cookies: held === undefined ? [cookies.write('form', cookie)] : [],
      };
    },
    check: (request, form) => {
      const { origin } = request.headers;
      const site = request.headers['sec-fetch-site'];
      if (origin !== undefined && !isOurs(origin, request)) throw notOurs();
      if (site !== undefined && site !== 'same-origin' && site !== 'none') throw notOurs();
      const cookie = boundTo(request);
      const given = Buffer.from(form.get('form_token') ?? '');
      const expected = Buffer.from(cookie === undefined ? '' : tokenOf(cookie));
      if (cookie === undefined || given.length !== expected.length || !timingSafeEqual(given, expected)) {
        throw new FormRefused(
          403,
          'this form is not good any more: go back, load the page anew and try again',
        );
      }
    },
  };
}

function notOurs(): FormRefused {
  return new FormRefused(403, 'the form was sent from another site');
}

function tokenOf(cookie: string): string {
  return createHash('sha256').update(`planton form\0${cookie}`).digest('base64url');
}
