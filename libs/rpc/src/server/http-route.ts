import type { RequestHandler } from './listen.ts';

/** Request and response of either HTTP version. */
export type HttpRequest = Parameters<RequestHandler>[0];
export type HttpResponse = Parameters<RequestHandler>[1];

/** Something that is answered besides RPCs. Whoever calls is nobody in particular: there is no authentication before it. */
export interface HttpRoute {
  /** `GET` is for `HEAD` too. */
  readonly method: 'GET' | 'POST';
  /** Compared whole, such as `/healthz`. */
  readonly path: string;
  /** Answers, and never throws. */
  handle(request: HttpRequest, response: HttpResponse): void | Promise<void>;
}

/** Answers lines of text. */
export function answerPlainly(response: HttpResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'x-content-type-options': 'nosniff',
  });
  response.end(`${text}\n`);
}
