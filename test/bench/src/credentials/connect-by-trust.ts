import { randomBytes } from 'node:crypto';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import { openPostgres } from '@planton/database';
import type { Platform } from '@planton/test-platform';
import { sql } from 'kysely';

const PLATFORM = '999999999999';
const CUSTOMER = '123456789012';
const USER = 'planton';
const ROLE = 'PlantonConnect-bench';
const KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const principal = `arn:aws:iam::${PLATFORM}:user/${USER}`;

/** Slug of the connection that `connectByTrust` makes. */
export const TRUST = 'trust';

export function startSimulator(): Promise<AwsSimulator> {
  return startAwsSimulator({ accounts: [{ id: PLATFORM, users: [{ name: USER, accessKeys: [KEY] }] }] });
}

/** What the server is started with, so that its platform runner has an identity in the simulator. */
export function identityIn({ url }: AwsSimulator): NodeJS.ProcessEnv {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_ACCESS_KEY_ID: KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
    AWS_REGION: 'us-west-2',
  };
}

/**
 * Makes a connection with cross-account trust, and in the simulator the role that it assumes. Its spec and its external ID are put where a
 * set-up of trust would have put them.
 */
export async function connectByTrust(
  platform: Platform,
  simulator: AwsSimulator,
  databaseUrl: string,
): Promise<void> {
  const externalId = randomBytes(32).toString('hex');
  await platform.planton('secret', 'set', 'external-id', `value=${externalId}`);
  const manifest = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata: { name: ${TRUST} }
spec:
  account_id: { value: "${CUSTOMER}" }
  region: { value: us-west-2 }
  access_key_id: { secret: external-id }
  secret_access_key: { secret: external-id }
`;
  const { code, stderr } = await platform.cli(['apply', '-f', '-'], { input: manifest });
  if (code !== 0) throw new Error(stderr);
  const spec = {
    authMode: 'AUTH_MODE_CROSS_ACCOUNT_TRUST',
    accountId: { value: CUSTOMER },
    region: { value: 'us-west-2' },
    iamRoleArn: `arn:aws:iam::${CUSTOMER}:role/${ROLE}`,
    externalId: { secret: 'external-id' },
  };
  const engine = openPostgres({ url: databaseUrl, applicationName: 'bench' });
  try {
    await sql`update connect.connection set spec = ${JSON.stringify(spec)}::text::jsonb where slug = ${TRUST}`.execute(
      engine.kysely,
    );
  } finally {
    await engine.close();
  }
  simulator.replaceAccounts([
    { id: PLATFORM, users: [{ name: USER, accessKeys: [KEY] }] },
    { id: CUSTOMER, users: [], roles: [{ name: ROLE, trustPolicy: trustPolicy(externalId) }] },
  ]);
}

function trustPolicy(externalId: string): Readonly<Record<string, unknown>> {
  const Principal = { AWS: `arn:aws:iam::${PLATFORM}:root` };
  const ArnEquals = { 'aws:PrincipalArn': principal };
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal,
        Action: 'sts:AssumeRole',
        Condition: { StringEquals: { 'sts:ExternalId': externalId }, ArnEquals },
      },
      {
        Effect: 'Allow',
        Principal,
        Action: ['sts:TagSession', 'sts:SetSourceIdentity'],
        Condition: { ArnEquals },
      },
    ],
  };
}
