import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, type AwsSimulator, type Role, startAwsSimulator } from '@planton/aws-simulator';
import { afterEach, beforeEach } from 'vitest';

export const ACCOUNT = '123456789012';
export const OTHER_ACCOUNT = '210987654321';
export const ROLE = `arn:aws:iam::${ACCOUNT}:role/PlantonRole`;
export const EXTERNAL_ID = 'external-id-canary-1f2e3d';
/** Who the runner is: a user of the other account. */
export const RUNNER_KEY = {
  accessKeyId: 'AKIARUNNERRUNNERRUNN',
  secretAccessKey: 'runner/canary/secret/key/0123456789abcde',
};
/** Of the account that is connected. */
export const ACCOUNT_KEY = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};

type Statement = Readonly<Record<string, unknown>>;

/** Lets the runner in that has the external ID. */
export const TRUST: Statement = {
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` },
  Action: 'sts:AssumeRole',
  Condition: { StringEquals: { 'sts:ExternalId': EXTERNAL_ID } },
};
/** Lets it tag its sessions. */
export const TAGGING: Statement = {
  Effect: 'Allow',
  Principal: { AWS: `arn:aws:iam::${OTHER_ACCOUNT}:root` },
  Action: ['sts:TagSession', 'sts:SetSourceIdentity'],
};

/** The runner's account, and one with a role of these statements and further roles. */
export function accountsOf(
  statements: readonly Statement[] = [TRUST],
  more: Partial<Role> = {},
  roles: readonly Role[] = [],
): readonly Account[] {
  const role = {
    name: 'PlantonRole',
    trustPolicy: { Version: '2012-10-17', Statement: statements },
    ...more,
  };
  return [
    { id: ACCOUNT, users: [{ name: 'deployer', accessKeys: [ACCOUNT_KEY] }], roles: [role] },
    { id: OTHER_ACCOUNT, users: [{ name: 'runner', accessKeys: [RUNNER_KEY] }], roles },
  ];
}

/** AWS as a runner meets it: the simulator, and an environment that holds nothing but what a test puts there. */
export interface AwsRig {
  readonly simulator: AwsSimulator;
  /** A folder for files, and the home of the process. */
  readonly folder: string;
  /** Gives the process an identity by its environment. */
  signInAsRunner(): void;
}

export function useAws(): () => AwsRig {
  let rig: AwsRig | undefined;
  let before: NodeJS.ProcessEnv;

  beforeEach(async () => {
    before = { ...process.env };
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
    const simulator = await startAwsSimulator({ accounts: accountsOf() });
    const folder = mkdtempSync(join(tmpdir(), 'planton-aws-'));
    Object.assign(process.env, {
      HOME: folder,
      AWS_ENDPOINT_URL_STS: simulator.url,
      AWS_ENDPOINT_URL_CLOUDFORMATION: simulator.url,
      AWS_EC2_METADATA_DISABLED: 'true',
    });
    rig = {
      simulator,
      folder,
      signInAsRunner: () => {
        process.env.AWS_ACCESS_KEY_ID = RUNNER_KEY.accessKeyId;
        process.env.AWS_SECRET_ACCESS_KEY = RUNNER_KEY.secretAccessKey;
      },
    };
  });
  afterEach(async () => {
    for (const name of Object.keys(process.env)) delete process.env[name];
    Object.assign(process.env, before);
    await rig?.simulator.stop();
    if (rig) rmSync(rig.folder, { recursive: true, force: true });
  });
  return () => {
    if (!rig) throw new Error('there is no AWS outside a test');
    return rig;
  };
}
