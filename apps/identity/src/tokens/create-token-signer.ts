import type { Database } from '@planton/database';
import { TOKEN_AUDIENCE } from '@planton/rpc';
import { betterAuth } from 'better-auth';
import { jwt } from 'better-auth/plugins/jwt';
import type { JSONWebKeySet } from 'jose';
import type { IdentityTables } from '../schema.ts';
import { type AccessTokenClaims, TOKEN_LIFETIME_MS } from './access-token.ts';
import { addSigningKey, listSigningKeys } from './signing-key-store.ts';

/** Seconds that a key signs before another takes its place. */
const ROTATION_INTERVAL_S = 30 * 24 * 60 * 60;

/** Seconds that a key still verifies after its last signature: an hour, where tokens live five minutes. */
const GRACE_PERIOD_S = 12 * (TOKEN_LIFETIME_MS / 1000);

/** Signs access tokens; the keys live in the database, encrypted, and rotate by themselves. */
export interface TokenSigner {
  sign(claims: AccessTokenClaims): Promise<string>;
  /** The public keys that verify what was signed here, and nothing else. */
  publicKeys(): Promise<JSONWebKeySet>;
}

export interface TokenSignerSettings {
  readonly database: Database<IdentityTables>;
  /** The public URL of the platform. */
  readonly issuer: string;
  /** Encrypts the private keys; at least 32 characters of derived key material. */
  readonly secret: string;
  readonly newUid: () => string;
}

const times = { createdAt: 'create_time', updatedAt: 'update_time' } as const;

/**
 * Sets better-auth up on our tables, whose schema it checks here: it keeps people, and makes, encrypts and rotates the
 * keys that sign. None of its endpoints is served.
 */
export async function createTokenSigner(settings: TokenSignerSettings): Promise<TokenSigner> {
  const { database, issuer } = settings;
  const auth = betterAuth({
    baseURL: issuer,
    secret: settings.secret,
    telemetry: { enabled: false },
    logger: { disabled: true },
    database: {
      db: database.engine.kysely,
      type: 'postgres',
      schemaName: database.schema,
      transaction: false,
    },
    user: { modelName: 'person', fields: { ...times, emailVerified: 'email_verified' } },
    session: {
      fields: {
        ...times,
        userId: 'person_id',
        ipAddress: 'ip_address',
        userAgent: 'user_agent',
        expiresAt: 'expire_time',
      },
    },
    account: {
      fields: {
        ...times,
        userId: 'person_id',
        accountId: 'account_id',
        providerId: 'provider_id',
        accessToken: 'access_token',
        refreshToken: 'refresh_token',
        idToken: 'id_token',
        accessTokenExpiresAt: 'access_token_expire_time',
        refreshTokenExpiresAt: 'refresh_token_expire_time',
      },
    },
    verification: { fields: { ...times, expiresAt: 'expire_time' } },
    plugins: [
      jwt({
        jwks: {
          keyPairConfig: { alg: 'EdDSA', crv: 'Ed25519' },
          rotationInterval: ROTATION_INTERVAL_S,
          gracePeriod: GRACE_PERIOD_S,
        },
        adapter: {
          getJwks: () => listSigningKeys(database),
          createJwk: (pair) =>
            addSigningKey(database, { ...pair, id: settings.newUid() }, GRACE_PERIOD_S * 1000),
        },
        schema: {
          jwks: {
            modelName: 'signing_key',
            fields: {
              publicKey: 'public_key',
              privateKey: 'private_key',
              createdAt: 'create_time',
              expiresAt: 'expire_time',
            },
          },
        },
      }),
    ],
  });
  await auth.$context;

  return {
    sign: async (claims) => {
      const payload = { ...claims, iss: issuer, aud: TOKEN_AUDIENCE };
      return (await auth.api.signJWT({ body: { payload } })).token;
    },
    publicKeys: async () => {
      const { keys } = await auth.api.getJwks();
      return { keys };
    },
  };
}
