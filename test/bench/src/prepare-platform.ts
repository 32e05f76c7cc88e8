import type { Platform } from '@planton/test-platform';

const MANIFEST = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata: { name: bench }
spec:
  account_id: { value: "123456789012" }
  region: { value: us-west-2 }
  access_key_id: { secret: key-id }
  secret_access_key: { secret: key }
`;

/** Makes the organisation `bench` with what the measured calls ask for, as its owner. */
export async function preparePlatform(platform: Platform): Promise<void> {
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'bench');
  await platform.planton('env', 'create', 'production');
  await platform.planton('secret', 'set', 'key-id', 'value=AKIAIOSFODNN7EXAMPLE');
  await platform.planton('secret', 'set', 'key', 'value=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
  const { code, stderr } = await platform.cli(['apply', '-f', '-'], { input: MANIFEST });
  if (code !== 0) throw new Error(stderr);
  await platform.planton('connection', 'default', 'set', '--provider', 'aws', '--connection', 'bench');
}
