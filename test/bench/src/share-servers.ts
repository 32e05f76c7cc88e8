import { randomBytes } from 'node:crypto';
import type { AwsSimulator } from '@planton/aws-simulator';
import { highRates, inAws } from '@planton/test-platform';

/** What replicas of one server are started with: database, master key, identity in AWS, and the key that seals audit records. */
export interface Shared {
  readonly databaseUrl: string;
  readonly masterKey: string;
  readonly env: (url: string) => NodeJS.ProcessEnv;
}

export function shareServers(databaseUrl: string, simulator: AwsSimulator): Shared {
  const identity = inAws(simulator);
  const auditKey = {
    PLANTON_AUDIT_KEY_SOURCE: 'env:BENCH_AUDIT_KEY',
    BENCH_AUDIT_KEY: randomBytes(32).toString('base64'),
  };
  const env = (url: string) => ({ ...identity(url), ...auditKey, ...highRates });
  return { databaseUrl, masterKey: randomBytes(32).toString('base64'), env };
}
