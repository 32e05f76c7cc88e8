import { EnrolmentError } from '../errors/enrolment-error.ts';

/** What a runner instance connects with. */
export interface RunnerCredentials {
  /** Where the API listens, such as `https://planton.example.com`; empty where the instance never asks it. */
  readonly server: string;
  /** Slug of the organisation; empty for the platform runner. */
  readonly org: string;
  /** Slug of the runner; empty for the platform runner. */
  readonly runner: string;
  readonly instanceUid: string;
  /** Where the gateway listens, as `HOST:PORT`. */
  readonly gatewayAddress: string;
  /** PKCS #8 in PEM. */
  readonly privateKey: string;
  /** PEM. */
  readonly certificate: string;
  /** The certificates, in PEM one after the other, that a gateway's certificate may be signed by. */
  readonly caBundle: string;
  /** Counts the certificates of the instance from 1. */
  readonly generation: number;
  /** ISO 8601. */
  readonly expireTime: string;
  /** ISO 8601. */
  readonly renewAfterTime: string;
}

const FORMAT = 1;
const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const ADDRESS = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;

const rules: Readonly<Record<Exclude<keyof RunnerCredentials, 'generation'>, (text: string) => boolean>> = {
  server: isServer,
  org: isSlug,
  runner: isSlug,
  instanceUid: (text) => /^[A-Za-z0-9-]{1,64}$/.test(text),
  gatewayAddress: isAddress,
  privateKey: (text) => isPem(text, 'PRIVATE KEY'),
  certificate: (text) => isPem(text, 'CERTIFICATE'),
  caBundle: (text) => isPem(text, 'CERTIFICATE'),
  expireTime: isTime,
  renewAfterTime: isTime,
};

/** Whether a text can be the slug of an organisation or runner, and with that the name of a folder. */
export function isSlug(text: string): boolean {
  return text.length <= 63 && SLUG.test(text);
}

/** Whether a text is `HOST:PORT`; an IPv6 host stands in brackets. */
export function isAddress(text: string): boolean {
  const port = Number(ADDRESS.exec(text)?.[1]);
  return port > 0 && port <= 65_535;
}

/** Whether a text is an http or https URL without a user, a query and a fragment. */
export function isServer(text: string): boolean {
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol)) return false;
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

/** Writes credentials as the text of a credentials file. */
export function formatCredentials(credentials: RunnerCredentials): string {
  const { server, org, runner, instanceUid, gatewayAddress, generation, expireTime } = credentials;
  const { renewAfterTime, certificate, caBundle, privateKey } = credentials;
  const facts = { format: FORMAT, server, org, runner, instanceUid, gatewayAddress, generation };
  return `${JSON.stringify({ ...facts, expireTime, renewAfterTime, certificate, caBundle, privateKey }, null, 2)}\n`;
}

/**
 * Reads the text of a credentials file. Fields that it does not know are passed over.
 *
 * @param place what to call the text in errors, usually the path of the file
 * @throws EnrolmentError `CREDENTIALS_DAMAGED`, which names the field and never what it holds
 */
export function parseCredentials(text: string, place: string): RunnerCredentials {
  const value = readObject(text, place);
  if (value.format !== FORMAT) {
    throw typeof value.format === 'number' && value.format > FORMAT
      ? damaged(place, 'is of a newer release', 'start a newer release of the runner')
      : damaged(place, 'is no credentials file');
  }
  const textOf = (field: keyof typeof rules): string => {
    const given = value[field];
    if (typeof given !== 'string' || !rules[field](given)) throw damaged(place, `has no usable "${field}"`);
    return given;
  };
  const { generation } = value;
  if (typeof generation !== 'number' || !Number.isInteger(generation) || generation < 1)
    throw damaged(place, 'has no usable "generation"');
  return {
    server: textOf('server'),
    org: textOf('org'),
    runner: textOf('runner'),
    instanceUid: textOf('instanceUid'),
    gatewayAddress: textOf('gatewayAddress'),
    privateKey: textOf('privateKey'),
    certificate: textOf('certificate'),
    caBundle: textOf('caBundle'),
    generation,
    expireTime: textOf('expireTime'),
    renewAfterTime: textOf('renewAfterTime'),
  };
}

function readObject(text: string, place: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Told below: the parser's own message quotes the text, which holds a key.
  }
  throw damaged(place, 'is not a JSON object');
}

function damaged(place: string, what: string, hint?: string): EnrolmentError {
  return new EnrolmentError('file', 'CREDENTIALS_DAMAGED', `${place} ${what}`, {
    hint: hint ?? 'make new credentials with: planton runner register --name NAME --yes',
  });
}

function isPem(text: string, label: string): boolean {
  return text.includes(`-----BEGIN ${label}-----\n`) && text.trimEnd().endsWith(`-----END ${label}-----`);
}

function isTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T/.test(text) && !Number.isNaN(Date.parse(text));
}
