import { isRoleName, type RoleName } from '../access/permissions.ts';
import { readText, SettingsRefused } from './settings-refused.ts';

/** An OpenID provider, and whom it may let in. */
export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Domains of verified addresses that may sign in; empty for all. */
  readonly allowedDomains: readonly string[];
  /** The organisation that new people join, where it exists. */
  readonly defaultOrg?: string;
  readonly defaultRole: Exclude<RoleName, 'owner'>;
}

/** Flags about the provider. The secret has none: whoever lists processes would read it. */
export const oidcFlags = {
  'oidc-issuer': 'URL of an OpenID provider that people may sign in with',
  'oidc-client-id': 'what the provider calls this server',
  'oidc-client-secret-file': 'file with the secret for it; or PLANTON_OIDC_CLIENT_SECRET',
  'oidc-allowed-domains': 'domains of e-mail addresses that may sign in, separated by commas; default all',
  'oidc-default-org': 'slug of the organisation that new people join; default none',
  'oidc-default-role': 'their role in it: admin, developer, viewer or deployer; default viewer',
} as const;

/** Reads the settings of the provider; undefined where none is named. Throws `SettingsRefused`. */
export function readOidcSettings(
  setting: (flag: keyof typeof oidcFlags) => string | undefined,
  env: NodeJS.ProcessEnv,
): OidcSettings | undefined {
  const issuer = setting('oidc-issuer');
  if (issuer === undefined) {
    const stray = (Object.keys(oidcFlags) as (keyof typeof oidcFlags)[]).find((flag) => setting(flag));
    if (stray) throw new SettingsRefused(`--${stray} is given without a provider`, 'give --oidc-issuer too');
    return undefined;
  }
  refuseIssuer(issuer);
  const clientId = setting('oidc-client-id');
  const file = setting('oidc-client-secret-file');
  const secret = file ? readText(file, '--oidc-client-secret-file').trim() : env.PLANTON_OIDC_CLIENT_SECRET;
  if (!clientId) throw new SettingsRefused('--oidc-issuer needs --oidc-client-id');
  if (!secret) {
    throw new SettingsRefused(
      '--oidc-issuer needs the secret of the client',
      'give --oidc-client-secret-file FILE or set PLANTON_OIDC_CLIENT_SECRET',
    );
  }
  const role = setting('oidc-default-role') ?? 'viewer';
  if (!isRoleName(role) || role === 'owner') {
    throw new SettingsRefused(
      `new people cannot be "${role}"`,
      '--oidc-default-role takes admin, developer, viewer or deployer',
    );
  }
  const defaultOrg = setting('oidc-default-org');
  const domains = (setting('oidc-allowed-domains') ?? '').toLowerCase().split(',');
  return {
    issuer,
    clientId,
    clientSecret: secret,
    allowedDomains: domains
      .map((domain) => domain.trim().replace(/^@/, ''))
      .filter((domain) => domain !== ''),
    defaultRole: role,
    ...(defaultOrg ? { defaultOrg } : {}),
  };
}

function refuseIssuer(issuer: string): void {
  const url = URL.parse(issuer);
  const loopback =
    url?.hostname === '127.0.0.1' || url?.hostname === 'localhost' || url?.hostname === '[::1]';
  if (url && !url.username && (url.protocol === 'https:' || (url.protocol === 'http:' && loopback))) return;
  throw new SettingsRefused(
    '--oidc-issuer is no https URL',
    'write it as the provider does, such as https://login.example.com',
  );
}
