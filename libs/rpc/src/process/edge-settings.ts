import type { RequestRates } from '../limits/count-requests.ts';
import { parseNetwork } from '../server/client-address.ts';
import { SettingsRefused, splitList } from './settings-refused.ts';

/** What stands between the network and the services. */
export interface EdgeSettings {
  readonly rates: RequestRates;
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  /** Origins whose pages may call RPCs, besides the server's own. */
  readonly corsOrigins: readonly string[];
}

export const edgeFlags = {
  'rate-limit-per-key':
    'requests a second of one API key or sign-in, over ten seconds; default 200, 0 for no limit',
  'rate-limit-per-org': 'requests a second in the name of one organisation; default 1000, 0 for no limit',
  'rate-limit-per-address':
    'requests a second without a credential of one address; default 50, 0 for no limit',
  'trusted-proxies':
    'addresses or networks of proxies whose X-Forwarded-For is believed, with commas between',
  'cors-origins':
    'origins whose pages may call the API, such as https://console.example.com, with commas between',
} as const;

const LARGEST_RATE = 1_000_000;

/** Throws `SettingsRefused`. */
export function readEdgeSettings(
  setting: (flag: keyof typeof edgeFlags) => string | undefined,
): EdgeSettings {
  const rate = (flag: keyof typeof edgeFlags, usual: number) => readRate(flag, setting(flag), usual);
  return {
    rates: {
      perKey: rate('rate-limit-per-key', 200),
      perOrganization: rate('rate-limit-per-org', 1000),
      perAddress: rate('rate-limit-per-address', 50),
    },
    trustedProxies: splitList(setting('trusted-proxies')).map(checkNetwork),
    corsOrigins: splitList(setting('cors-origins')).map(checkOrigin),
  };
}

function readRate(flag: string, text: string | undefined, usual: number): number {
  if (text === undefined) return usual;
  const rate = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (rate <= LARGEST_RATE) return rate;
  throw new SettingsRefused(
    `"${text}" is not a number of requests a second`,
    `--${flag} takes a whole number up to ${LARGEST_RATE}, or 0 for no limit`,
  );
}

function checkNetwork(text: string): string {
  try {
    parseNetwork(text);
    return text;
  } catch {
    throw new SettingsRefused(
      `"${text}" is not an address or network`,
      '--trusted-proxies takes such as 10.0.0.0/8,192.0.2.1',
    );
  }
}

/** Exactly what browsers say of a page: anything else would never match. */
function checkOrigin(text: string): string {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.origin === text) return text;
  throw new SettingsRefused(
    `"${text}" is not an origin`,
    '--cors-origins takes scheme and host alone, such as https://console.example.com; there is no wildcard',
  );
}
