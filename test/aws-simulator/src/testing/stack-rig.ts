import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach } from 'vitest';
import type { AwsSimulator, AwsSimulatorOptions } from '../server/simulator.ts';
import { startAwsSimulator } from '../server/start-simulator.ts';
import {
  CONNECTION_ACCOUNTS,
  CUSTOMER,
  connectionTemplate,
  EXTERNAL_ID,
  quickCreateLink,
  REGION,
  RUNNER_ROLE,
  TEMPLATE_URL,
} from './connection-template.ts';
import { type Callback, startCallback } from './start-callback.ts';

export const STACK = 'planton-connect-acme';
export const ROLE = `arn:aws:iam::${CUSTOMER}:role/PlantonConnect-acme`;

export interface Key {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A simulator with a customer's and the platform's account, and an endpoint for callbacks. */
export interface StackRig {
  readonly simulator: AwsSimulator;
  readonly callback: Callback;
  start(template?: string, options?: Partial<AwsSimulatorOptions>): Promise<void>;
  /** Follows the link with these parameters and waits for the stack. */
  create(
    parameters?: Readonly<Record<string, string>>,
    edits?: Parameters<AwsSimulator['quickCreate']>[1],
  ): ReturnType<AwsSimulator['waitForStack']>;
  /** Assumes the stack's role as the platform runner does. */
  assume(input?: Partial<AssumeRoleCommandInput>): Promise<Key>;
  describe(credentials: Key, StackName?: string, region?: string): Promise<string | undefined>;
}

export function useStackRig(): StackRig {
  let simulator: AwsSimulator | undefined;
  let callback: Callback | undefined;
  beforeEach(async () => {
    callback = await startCallback();
  });
  afterEach(async () => {
    await simulator?.stop();
    await callback?.stop();
    simulator = undefined;
  });
  const rig: StackRig = {
    get simulator() {
      if (simulator === undefined) throw new Error('the simulator was not started');
      return simulator;
    },
    get callback() {
      if (callback === undefined) throw new Error('there is no callback outside a test');
      return callback;
    },
    start: async (template = connectionTemplate(), options = {}) => {
      simulator = await startAwsSimulator({
        accounts: CONNECTION_ACCOUNTS,
        templates: { [TEMPLATE_URL]: template },
        ...options,
      });
    },
    create: async (parameters, edits) => {
      const { stackId } = await rig.simulator.quickCreate(quickCreateLink(parameters), edits);
      return rig.simulator.waitForStack(stackId);
    },
    assume: async (input = {}) => {
      const client = new STSClient({
        region: REGION,
        endpoint: rig.simulator.url,
        credentials: rig.simulator.issueSession(RUNNER_ROLE, 'runner-1'),
        maxAttempts: 1,
      });
      const command = new AssumeRoleCommand({
        RoleArn: ROLE,
        RoleSessionName: 'planton',
        ExternalId: EXTERNAL_ID,
        ...input,
      });
      const { Credentials: issued } = await client.send(command).finally(() => client.destroy());
      return {
        accessKeyId: issued?.AccessKeyId ?? '',
        secretAccessKey: issued?.SecretAccessKey ?? '',
        sessionToken: issued?.SessionToken ?? '',
      };
    },
    describe: async (credentials, StackName = STACK, region = REGION) => {
      const client = new CloudFormationClient({
        region,
        endpoint: rig.simulator.url,
        credentials,
        maxAttempts: 1,
      });
      const { Stacks } = await client
        .send(new DescribeStacksCommand({ StackName }))
        .finally(() => client.destroy());
      return Stacks?.[0]?.StackStatus;
    },
  };
  return rig;
}
