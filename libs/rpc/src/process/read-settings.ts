import { isIP } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LogLevel, logLevels } from '../logging/logger.ts';
import { type EdgeSettings, edgeFlags, readEdgeSettings } from './edge-settings.ts';
import { type OidcSettings, oidcFlags, readOidcSettings } from './oidc-settings.ts';
import { readText, SettingsRefused, splitList } from './settings-refused.ts';

export { readText, SettingsRefused };

/** What every server process can be told, by flag or by environment variable; flags win. */
export interface ServerSettings {
  /** `HOST:PORT` for the API. */
  readonly listen: string;
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Where people and runners reach the platform; also the issuer of its tokens. */
  readonly publicUrl: string;
  /** Whether the operator named the public URL; else it is a guess from `listen` that may lead nowhere from elsewhere. */
  readonly publicUrlGiven: boolean;
  /** `HOST:PORT` for the sessions of runners, over mutual TLS. */
  readonly runnerListen: string;
  /** `HOST:PORT` that runners dial; its host is in the gateway's certificate. */
  readonly runnerPublicAddress: string;
  readonly dataDir: string;
  /** PostgreSQL; absent for the embedded database in the data dir. */
  readonly databaseUrl?: string;
  /** `file:PATH` or `env:NAME`. */
  readonly masterKeySource: string;
  /** A master key that still decrypts while everything is wrapped anew. */
  readonly previousMasterKeySource?: string;
  /** ARN of the platform runner's identity in AWS, which roles of customers have to trust. */
  readonly awsPrincipal?: string;
  /** Where AWS finds the CloudFormation template: a URL of S3. */
  readonly awsTemplateUrl?: string;
  /** `file:PATH` or `env:NAME` of the key that signs the seals of the audit trail. */
  readonly auditKeySource: string;
  /** Whether the operator named it; else it is the one in the data dir. */
  readonly auditKeySourceGiven: boolean;
  /** Public keys of earlier signing keys. */
  readonly auditPreviousKeys: readonly string[];
  /** Where sealed audit records are streamed to: `file:PATH` or a URL. */
  readonly auditSinks: readonly string[];
  /** The OpenID provider that people may sign in with, besides accounts of the server's own. */
  readonly oidc?: OidcSettings;
  readonly edge: EdgeSettings;
  readonly logLevel: LogLevel;
}

/** Flags of a server process, with the text that `--help` shows. Each has the environment variable `PLANTON_<FLAG>`. */
export const serverFlags = {
  listen: 'HOST:PORT of the API; default 127.0.0.1:8080',
  'tls-cert': 'file with the certificate chain (PEM)',
  'tls-key': 'file with the private key (PEM)',
  'public-url': 'where clients reach the server; default from --listen',
  'runner-listen': 'HOST:PORT for sessions of runners (mutual TLS); default 127.0.0.1:8443',
  'runner-public-address': 'HOST:PORT that runners dial; default from --runner-listen and --public-url',
  'data-dir': 'folder for the embedded database and keys; default ~/.planton/server',
  'database-url': 'postgres:// URL; default the embedded database in the data dir',
  'master-key-source': 'file:PATH or env:NAME; default file:<data-dir>/master.key',
  'previous-master-key-source': 'master key before a rotation: decrypts, never encrypts',
  'aws-principal': "ARN of the platform runner's role in AWS, for cross-account trust",
  'aws-template-url': 'S3 URL of the published template (planton server template), for cross-account trust',
  'audit-key-source': 'file:PATH or env:NAME; default file:<data-dir>/audit-signing.key',
  'audit-previous-keys': 'public keys that signed the audit trail before, with commas between',
  'audit-sink': 'file:PATH or https:// URL that audit records are streamed to; several with commas between',
  ...oidcFlags,
  ...edgeFlags,
  'log-level': `${logLevels.join(', ')}; default info`,
} as const;

const insecureFlag = 'serve without TLS beyond this machine';

/** The help text of the flags. */
export function describeServerFlags(): string {
  const lines = Object.entries({ ...serverFlags, insecure: insecureFlag }).map(
    ([flag, text]) => `  --${flag.padEnd(28)} ${text}`,
  );
  return lines.join('\n');
}

/**
 * Reads the settings of a server process. Throws `SettingsRefused`.
 *
 * @param argv the arguments after the command
 */
export function readServerSettings(argv: readonly string[], env: NodeJS.ProcessEnv): ServerSettings {
  const flags = parseFlags(argv);
  const setting = (flag: keyof typeof serverFlags): string | undefined => {
    const variable = env[`PLANTON_${flag.toUpperCase().replaceAll('-', '_')}`];
    const given = flags[flag] ?? variable;
    return typeof given === 'string' && given !== '' ? given : undefined;
  };

  const listen = setting('listen') ?? '127.0.0.1:8080';
  const tls = readTls(setting('tls-cert'), setting('tls-key'));
  if (!tls && !flags.insecure && !isLoopback(listen)) {
    throw new SettingsRefused(
      `${listen} can be reached from other machines and there is no TLS certificate`,
      'give --tls-cert and --tls-key, or --insecure when something in front of the server does TLS',
    );
  }
  const runnerListen = readAddress(setting('runner-listen') ?? '127.0.0.1:8443', '--runner-listen');
  const namedUrl = readPublicUrl(setting('public-url'));
  const publicUrl = namedUrl ?? `${tls ? 'https' : 'http'}://${listen}`;
  const runnerPublicAddress = setting('runner-public-address') ?? reachable(runnerListen, publicUrl);
  const logLevel = setting('log-level') ?? 'info';
  if (!isLogLevel(logLevel)) {
    throw new SettingsRefused(
      `"${logLevel}" is not a log level`,
      `--log-level takes ${logLevels.join(', ')}`,
    );
  }
  const oidc = readOidcSettings(setting, env);
  const dataDir = setting('data-dir') ?? join(homedir(), '.planton', 'server');
  const databaseUrl = setting('database-url');
  const previousMasterKeySource = setting('previous-master-key-source');
  const awsPrincipal = setting('aws-principal');
  const awsTemplateUrl = setting('aws-template-url');
  const auditKeySource = setting('audit-key-source');
  return {
    listen,
    publicUrl,
    publicUrlGiven: namedUrl !== undefined,
    runnerListen,
    runnerPublicAddress: readAddress(runnerPublicAddress, '--runner-public-address'),
    dataDir,
    masterKeySource: setting('master-key-source') ?? `file:${join(dataDir, 'master.key')}`,
    auditKeySource: auditKeySource ?? `file:${join(dataDir, 'audit-signing.key')}`,
    auditKeySourceGiven: auditKeySource !== undefined,
    auditPreviousKeys: splitList(setting('audit-previous-keys')),
    auditSinks: splitList(setting('audit-sink')),
    edge: readEdgeSettings(setting),
    logLevel,
    ...(tls ? { tls } : {}),
    ...(databaseUrl ? { databaseUrl } : {}),
    ...(previousMasterKeySource ? { previousMasterKeySource } : {}),
    ...(oidc ? { oidc } : {}),
    ...(awsPrincipal ? { awsPrincipal } : {}),
    ...(awsTemplateUrl ? { awsTemplateUrl } : {}),
  };
}

function parseFlags(argv: readonly string[]): Record<string, string | boolean | undefined> {
  const text = Object.fromEntries(
    Object.keys(serverFlags).map((flag) => [flag, { type: 'string' as const }]),
  );
  try {
    return parseArgs({ args: [...argv], options: { ...text, insecure: { type: 'boolean' } }, strict: true })
      .values;
  } catch (error) {
    throw new SettingsRefused(
      error instanceof Error ? error.message : 'the flags cannot be read',
      'planton server start --help',
    );
  }
}

function readTls(certFile?: string, keyFile?: string): { cert: string; key: string } | undefined {
  if (!certFile && !keyFile) return undefined;
  if (!certFile || !keyFile)
    throw new SettingsRefused('TLS needs both a certificate and a key', 'give --tls-cert and --tls-key');
  return { cert: readText(certFile, '--tls-cert'), key: readText(keyFile, '--tls-key') };
}

function readPublicUrl(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new SettingsRefused(
      `"${text}" is not a URL that clients can reach`,
      '--public-url takes something like https://planton.example.com',
    );
  }
  return text.replace(/\/+$/, '');
}

/** Refuses what is not `HOST:PORT`; an IPv6 host stands in brackets. */
function readAddress(text: string, setting: string): string {
  const port = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):(\d{1,5})$/.exec(text)?.[1];
  if (port === undefined || Number(port) > 65_535) {
    throw new SettingsRefused(
      `"${text}" is not an address`,
      `${setting} takes HOST:PORT, such as 127.0.0.1:8443`,
    );
  }
  return text;
}

/** Nobody can dial "every address of this machine": then runners dial the host of the public URL. */
function reachable(address: string, publicUrl: string): string {
  const wildcard = /^(0\.0\.0\.0|\[::\])(?=:)/;
  if (!wildcard.test(address)) return address;
  const { hostname } = new URL(publicUrl);
  return address.replace(wildcard, hostname === '0.0.0.0' || hostname === '[::]' ? 'localhost' : hostname);
}

function isLoopback(listen: string): boolean {
  const host = listen.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}

function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text);
}
