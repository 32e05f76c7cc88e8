import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { STSClient } from '@aws-sdk/client-sts';
import { defaultProvider } from '@aws-sdk/credential-provider-node';

/** Milliseconds for a connection to AWS, and for an answer. */
const CONNECT_LIMIT_MS = 5_000;
const ANSWER_LIMIT_MS = 15_000;
const AGENT_IDLE_MS = 30_000;
/** Milliseconds between two looks for credentials that AWS has refused, so that calls that fail do not each ask for new ones. */
const LOOK_AGAIN_MS = 10_000;

/** A key to sign with, in memory alone. */
export interface AwsKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** How the runner reaches AWS, and who it is there. */
export interface AwsIdentity {
  /**
   * What the SDK finds where the runner runs: environment, profile, web identity, container, instance. Kept and renewed as the SDK does.
   *
   * @throws what the SDK throws, see `readAwsFailure`
   */
  ownKey(): Promise<AwsKey>;
  /** AWS refused the runner's own key: looks again, also in files that were read before. Whether that may help. */
  lookAgain(): boolean;
  /** STS of a region, signing with a key. Clients share their connections: none is to be destroyed. */
  sts(region: string, key: AwsKey): STSClient;
  /** CloudFormation, in the same way. */
  cloudFormation(region: string, key: AwsKey): CloudFormationClient;
}

/** Settings that the environment decides, as for every program that uses the SDK: `AWS_*` and the proxies. */
export function createAwsIdentity(settings: {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Monotonic clock, milliseconds. */
  readonly monotonic: () => number;
}): AwsIdentity {
  const { env, monotonic } = settings;
  const agent = { keepAlive: true, maxSockets: 50, timeout: AGENT_IDLE_MS, proxyEnv: { ...env } };
  const requestHandler = {
    connectionTimeout: CONNECT_LIMIT_MS,
    requestTimeout: ANSWER_LIMIT_MS,
    throwOnRequestTimeout: true,
    httpAgent: new HttpAgent(agent),
    httpsAgent: new HttpsAgent(agent),
  };
  const settingsOf = (region: string, credentials: AwsKey) => ({
    region,
    credentials,
    requestHandler,
    maxAttempts: 3,
    customUserAgent: [['planton-runner', settings.version]] satisfies [string, string][],
  });
  const findKey = () => defaultProvider({ ignoreCache: true, clientConfig: { requestHandler } });
  let provider = findKey();
  let lookedAt = Number.NEGATIVE_INFINITY;

  return {
    ownKey: async () => {
      const { accessKeyId, secretAccessKey, sessionToken } = await provider();
      return { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
    },
    lookAgain: () => {
      if (monotonic() - lookedAt < LOOK_AGAIN_MS) return false;
      lookedAt = monotonic();
      provider = findKey();
      return true;
    },
    sts: (region, key) => new STSClient(settingsOf(region, key)),
    cloudFormation: (region, key) => new CloudFormationClient(settingsOf(region, key)),
  };
}
