import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { HttpRequest } from './http-route.ts';

/** Finds the network address that a request comes from. */
export type AddressReader = (request: HttpRequest) => string;

const addresses = new WeakMap<HttpRequest, string>();

/**
 * Reads addresses behind proxies: what a trusted proxy says of whoever it passes on, from the nearest proxy outwards. What stands in
 * `X-Forwarded-For` beyond the last trusted proxy, anybody can have written.
 *
 * @param trusted addresses and networks (`10.0.0.0/8`) of the proxies in front of the server
 */
export function createAddressReader(trusted: readonly string[]): AddressReader {
  const networks = trusted.map(parseNetwork);
  const isTrusted = (address: string) => {
    const parsed = ipaddr.process(address);
    return networks.some((network) => parsed.kind() === network[0].kind() && parsed.match(network));
  };
  return (request) => {
    let address = plainAddress(request.socket?.remoteAddress ?? '');
    if (networks.length === 0 || address === '') return address;
    const said = [request.headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
    while (isTrusted(address)) {
      const next = plainAddress(withoutPort(said.pop()?.trim() ?? ''));
      if (next === '') break;
      address = next;
    }
    return address;
  };
}

/** Keeps where a request comes from, for whoever answers it. */
export function noteClientAddress(request: HttpRequest, address: string): void {
  addresses.set(request, address);
}

/** The address that a request comes from: a client of the proxies that are trusted, else of the connection. */
export function clientAddressOf(request: HttpRequest): string {
  return addresses.get(request) ?? plainAddress(request.socket?.remoteAddress ?? '');
}

/** Reads an address or network. Throws for what is neither. */
export function parseNetwork(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  if (isIP(text) !== 0) {
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  }
  if (isIP(text.replace(/\/\d{1,3}$/, '')) === 0) throw new Error(`${text} is no address or network`);
  return ipaddr.parseCIDR(text);
}

/** An IPv4 address as such where it is written as an IPv6 one; empty for what is no address. */
function plainAddress(text: string): string {
  return isIP(text) === 0 ? '' : ipaddr.process(text).toString();
}

/** Some proxies add the port that the client has: `192.0.2.1:50000`, `[2001:db8::1]:50000`. */
function withoutPort(text: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(text)?.[1] ?? /^([\d.]+):\d+$/.exec(text)?.[1] ?? text;
}
