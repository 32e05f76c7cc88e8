import { isIP } from 'node:net';
import { SettingsRefused } from '@planton/rpc';

/** Where sealed records are streamed to. */
export type Sink =
  | { readonly kind: 'file'; readonly name: string; readonly path: string }
  | {
      readonly kind: 'http';
      /** As it was given: the cursor's name. Holds no secret. */
      readonly name: string;
      readonly url: string;
      /** The header `authorization`, if one is to be sent. */
      readonly authorization?: string;
    };

const hint = 'write file:PATH or https://HOST/PATH; a secret goes into PLANTON_AUDIT_SINK_AUTHORIZATION';

/** Reads a sink. A URL with a user or a query is refused, since it could hold a secret that ends up in the log. Throws SettingsRefused. */
export function parseSink(text: string, env: Readonly<Record<string, string | undefined>>): Sink {
  if (/^file:[^\0\r\n]{1,4096}$/.test(text)) return { kind: 'file', name: text, path: text.slice(5) };
  const url = URL.parse(text);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname));
  if (!url || !isSafe || url.username || url.password || url.search || url.hash) {
    throw new SettingsRefused('--audit-sink names what is no sink', hint);
  }
  const authorization = env.PLANTON_AUDIT_SINK_AUTHORIZATION;
  if (authorization !== undefined && !/^[\x20-\x7e]+$/.test(authorization)) {
    throw new SettingsRefused('PLANTON_AUDIT_SINK_AUTHORIZATION holds what no header can', hint);
  }
  return { kind: 'http', name: text, url: url.href, ...(authorization ? { authorization } : {}) };
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'));
}
