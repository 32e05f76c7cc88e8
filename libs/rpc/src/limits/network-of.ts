import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** What an address is counted by: an IPv4 address itself, the /64 of an IPv6 one, since whoever has one has all of them. */
export function networkOf(address: string): string {
  if (isIP(address) === 0) return address;
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const prefix = parsed.parts.slice(0, 4).map((part) => part.toString(16));
  return `${prefix.join(':')}::/64`;
}
