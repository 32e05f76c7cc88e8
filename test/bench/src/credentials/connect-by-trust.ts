import type { AwsSimulator } from '@planton/aws-simulator';
import { connectAccount, type Platform } from '@planton/test-platform';

/** An account that trusts the platform once it was connected. */
export const customerAccount = { id: '123456789012', users: [] } as const;

/** Slug of the connection that `connectByTrust` makes. */
export const TRUST = 'trust';

/** Connects the account as a person does: through the command line and the console of AWS. Resolves when the role was verified. */
export async function connectByTrust(platform: Platform, simulator: AwsSimulator): Promise<void> {
  const args = ['--name', TRUST, '--account-id', customerAccount.id, '--region', 'us-west-2'];
  const connecting = connectAccount(platform, args);
  await simulator.quickCreate(await connecting.link);
  const { code, stderr } = await connecting.ended;
  if (code !== 0) throw new Error(stderr);
}
