import { BlockList, isIP } from 'node:net';

/** The variables that name proxies; the lower-case ones win, as in curl. */
export type ProxyEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that leads to a host: `HTTPS_PROXY` for what speaks TLS, else `HTTP_PROXY`, unless `NO_PROXY` names the host.
 * `NO_PROXY` is a list, by commas, of `*`, hosts, domains with all below them, addresses, and networks such as `10.0.0.0/8`, each
 * with an optional port.
 *
 * @returns undefined for a direct connection
 * @throws RangeError for a proxy that is not an http or https URL; the message does not quote it, for it may hold a password
 */
export function findProxy(
  target: { readonly host: string; readonly port: number; readonly tls: boolean },
  env: ProxyEnvironment,
): URL | undefined {
  const [lower, upper] = target.tls
    ? (['https_proxy', 'HTTPS_PROXY'] as const)
    : (['http_proxy', 'HTTP_PROXY'] as const);
  const given = env[lower] || env[upper];
  if (!given || isExempt(target, env.no_proxy || env.NO_PROXY || '')) return undefined;
  const url = URL.parse(given.includes('://') ? given : `http://${given}`);
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '')
    throw new RangeError(`${env[lower] ? lower : upper} is not an http or https URL of a proxy`);
  return url;
}

function isExempt({ host, port }: { readonly host: string; readonly port: number }, list: string): boolean {
  const bare = stripBrackets(host.toLowerCase()).replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => entry !== '' && matches(entry, bare, port));
}

function matches(entry: string, host: string, port: number): boolean {
  if (entry === '*') return true;
  const { pattern, port: onPort } = splitPort(entry);
  if (onPort !== undefined && onPort !== port) return false;
  const [network = '', bits] = pattern.split('/');
  if (bits !== undefined) return /^\d{1,3}$/.test(bits) && isWithin(host, network, Number(bits));
  if (isIP(pattern)) return isWithin(host, pattern, isIP(pattern) === 4 ? 32 : 128);
  if (isIP(host)) return false;
  const domain = pattern.replace(/^\*?\./, '').replace(/\.$/, '');
  return domain !== '' && (host === domain || host.endsWith(`.${domain}`));
}

/** `host:port` and `[address]:port`; the colons of an address without brackets are its own. */
function splitPort(entry: string): { readonly pattern: string; readonly port?: number } {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(entry) ?? [];
  const pattern = bracketed ?? plain;
  if (pattern === undefined) return { pattern: stripBrackets(entry) };
  return { pattern, port: Number(port) };
}

function isWithin(host: string, network: string, bits: number): boolean {
  const family = isIP(network);
  if (family === 0 || isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false;
  const list = new BlockList();
  const type = family === 4 ? 'ipv4' : 'ipv6';
  list.addSubnet(network, bits, type);
  return list.check(host, type);
}

function stripBrackets(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}
