import { clientAddressOf, type HttpRequest, type HttpResponse, networkOf } from '@planton/rpc';
import { type Html, pageHeaders, renderPage } from './render-page.ts';

/** What is answered to a browser or a program. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** Whole `Set-Cookie` values. */
  readonly cookies?: readonly string[];
}

/** A page; `formTarget` as of `pageHeaders`. */
export function page(status: number, title: string, content: Html, formTarget?: string): Answer {
  return { status, headers: pageHeaders(formTarget), body: renderPage(title, content) };
}

/** Leads a browser on by a GET, whatever it came with. */
export function leadTo(location: string): Answer {
  const { 'content-type': _, ...headers } = pageHeaders();
  return { status: 303, headers: { ...headers, location }, body: '' };
}

/** An answer for programs. */
export function json(status: number, body: object): Answer {
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  };
  return { status, headers, body: JSON.stringify(body) };
}

export function withCookies(answer: Answer, ...cookies: readonly string[]): Answer {
  return { ...answer, cookies: [...(answer.cookies ?? []), ...cookies] };
}

/** Sends an answer in either HTTP version. */
export function send(request: HttpRequest, response: HttpResponse, answer: Answer): void {
  response.statusCode = answer.status;
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  if (answer.cookies?.length) response.setHeader('set-cookie', [...answer.cookies]);
  // What is left of a body that nobody reads must not be taken for the next request.
  if (answer.status === 413 || answer.status === 408) response.once('finish', () => request.destroy());
  response.end(request.method === 'HEAD' ? '' : answer.body);
}

/** The address of whoever sent the request. */
export function peerAddressOf(request: HttpRequest): string {
  return clientAddressOf(request);
}

/** What whoever sent the request is counted by: with one IPv6 address come 2^64. */
export function peerNetworkOf(request: HttpRequest): string {
  return networkOf(peerAddressOf(request));
}
