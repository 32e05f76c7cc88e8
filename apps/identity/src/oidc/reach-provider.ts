import * as oidc from 'openid-client';
import type { OidcSettings } from './oidc-settings.ts';

/** Seconds that the provider may take for an answer. */
const PATIENCE_S = 10;

/** What was asked of the provider and has to come back. */
export interface Checks {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** What the provider says of a person, verified: its own name for them, and what they are called. */
export interface Claims {
  readonly sub: string;
  readonly email?: string;
  readonly emailVerified: boolean;
  readonly name?: string;
}

/**
 * Asks the provider anew at each step, for its keys too, so that it may rotate them at any time; people sign in rarely enough. The ID token's
 * signature is verified although it comes from the provider itself; unsigned ones and shared keys count for nothing.
 */
async function discover({ issuer, clientId, clientSecret }: OidcSettings): Promise<oidc.Configuration> {
  const url = new URL(issuer);
  const plain = url.protocol === 'http:';
  const config = await oidc.discovery(url, clientId, clientSecret, undefined, {
    timeout: PATIENCE_S,
    ...(plain && { execute: [oidc.allowInsecureRequests] }),
  });
  oidc.enableNonRepudiationChecks(config);
  return config;
}

/** The page of the provider where a sign-in begins, and what has to come back from it. */
export async function beginAtProvider(
  settings: OidcSettings,
  redirectUri: string,
): Promise<{ readonly url: string; readonly checks: Checks }> {
  const config = await discover(settings);
  const checks = {
    state: oidc.randomState(),
    nonce: oidc.randomNonce(),
    verifier: oidc.randomPKCECodeVerifier(),
  };
  const url = oidc.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid email profile',
    state: checks.state,
    nonce: checks.nonce,
    code_challenge: await oidc.calculatePKCECodeChallenge(checks.verifier),
    code_challenge_method: 'S256',
  });
  return { url: url.href, checks };
}

/**
 * Exchanges the code of a callback and verifies the ID token: issuer, audience, nonce, times, signature. Throws where anything is wrong.
 *
 * @param callback the whole URL that the browser came back to
 */
export async function finishAtProvider(
  settings: OidcSettings,
  callback: URL,
  { state, nonce, verifier }: Checks,
): Promise<Claims> {
  const config = await discover(settings);
  const tokens = await oidc.authorizationCodeGrant(config, callback, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  });
  const claims = tokens.claims();
  if (!claims) throw new Error('the provider sent no ID token');
  let { email, email_verified: verified, name } = claims as Readonly<Record<string, unknown>>;
  if (email === undefined && config.serverMetadata().userinfo_endpoint !== undefined) {
    // Providers may tell the address there alone; the subject has to be the same.
    const info = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub);
    ({ email, email_verified: verified, name } = { name, ...info } as Readonly<Record<string, unknown>>);
  }
  return {
    sub: claims.sub,
    emailVerified: verified === true,
    ...(typeof email === 'string' && { email }),
    ...(typeof name === 'string' && { name }),
  };
}
