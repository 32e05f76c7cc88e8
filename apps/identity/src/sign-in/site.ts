import type { Database } from '@planton/database';
import type { HttpRequest, HttpRoute, Logger, OidcSettings } from '@planton/rpc';
import type { Kysely } from 'kysely';
import { type Cookies, createCookies } from '../pages/cookies.ts';
import { type Answer, page, send, withCookies } from '../pages/exchange.ts';
import { createFormGuard, type FormGuard, type FormToken } from '../pages/guard-form.ts';
import { FormRefused } from '../pages/read-form.ts';
import { alertOf, type Html } from '../pages/render-page.ts';
import type { IdentityTables } from '../schema.ts';
import { findBrowserSession, holdBrowserSession } from './browser-session-store.ts';
import { createPasswords, type Passwords, PasswordsBusy } from './hash-password.ts';
import type { Person } from './person-store.ts';

/** What the pages work with. */
export interface Site {
  readonly database: Database<IdentityTables>;
  readonly publicUrl: string;
  readonly newUid: () => string;
  readonly randomBytes: (size: number) => Buffer;
  readonly logger: Logger;
  readonly cookies: Cookies;
  readonly forms: FormGuard;
  readonly passwords: Passwords;
  /** The provider that people may sign in with, besides a password. */
  readonly oidc?: OidcSettings;
}

export function createSite(
  settings: Pick<Site, 'database' | 'publicUrl' | 'newUid' | 'randomBytes' | 'logger' | 'oidc'>,
): Site {
  const cookies = createCookies(settings.publicUrl.startsWith('https:'));
  const { publicUrl, randomBytes } = settings;
  return {
    ...settings,
    cookies,
    forms: createFormGuard({ cookies, publicUrl, randomBytes }),
    passwords: createPasswords(),
  };
}

/** Who is signed in with this browser. */
export async function personOf(
  site: Site,
  request: HttpRequest,
  db: Kysely<IdentityTables> = site.database.query,
): Promise<Person | undefined> {
  const token = site.cookies.read(request, 'session');
  return token === undefined ? undefined : findBrowserSession(db, token);
}

/** Who is signed in with this browser, and stays signed in until the transaction ends. */
export async function holdPersonOf(
  site: Site,
  tx: Kysely<IdentityTables>,
  request: HttpRequest,
): Promise<Person | undefined> {
  const token = site.cookies.read(request, 'session');
  return token === undefined ? undefined : holdBrowserSession(tx, token);
}

/** A page with a form of this browser's. */
export function formPage(
  site: Site,
  request: HttpRequest,
  settings: {
    readonly title: string;
    readonly status?: number;
    readonly problem?: string | undefined;
    readonly formTarget?: string;
    readonly content: (token: FormToken['field'], alert: Html | undefined) => Html;
  },
): Answer {
  const token = site.forms.tokenFor(request);
  const content = settings.content(token.field, alertOf(settings.problem));
  return withCookies(
    page(settings.status ?? 200, settings.title, content, settings.formTarget),
    ...token.cookies,
  );
}

/** A route that answers a page, whatever happens. */
export function pageRoute(
  site: Pick<Site, 'logger'>,
  method: 'GET' | 'POST',
  path: string,
  answer: (request: HttpRequest) => Promise<Answer>,
): HttpRoute {
  return {
    method,
    path,
    handle: async (request, response) => {
      try {
        send(request, response, await answer(request));
      } catch (error) {
        send(request, response, refusalPage(site, path, error));
      }
    },
  };
}

function refusalPage({ logger }: Pick<Site, 'logger'>, path: string, error: unknown): Answer {
  if (error instanceof FormRefused) return sorry(error.status, `Not done: ${error.message}.`);
  if (error instanceof PasswordsBusy) {
    return sorry(503, 'Too many people sign in at this moment. Try again in a minute.');
  }
  logger.error({ path, error }, 'a page failed');
  return sorry(503, 'The server cannot answer now. Try again in a moment.');
}

/** A page that says why there is nothing else. */
export function sorry(status: number, text: string): Answer {
  return page(status, status === 503 ? 'Not now' : 'That did not work', alertOf(text) ?? { markup: '' });
}
