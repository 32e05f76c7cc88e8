import { randomBytes } from 'node:crypto';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import {
  AWS_CAPABILITIES,
  type AwsCapability,
  quickCreateUrl,
  renderTemplate,
  stackParameters,
} from '@planton/aws';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AwsSimulator } from '../../server/simulator.ts';
import { startAwsSimulator } from '../../server/start-simulator.ts';
import {
  CONNECTION_ACCOUNTS,
  CUSTOMER,
  REGION,
  RUNNER_ROLE,
  TEMPLATE_URL,
} from '../../testing/connection-template.ts';
import { type Callback, startCallback } from '../../testing/start-callback.ts';

const EXTERNAL_ID = randomBytes(32).toString('hex');
const ROLE_NAME = 'PlantonConnect-acme-1a2b3c4d';
const STACK = 'planton-connect-acme-1a2b3c4d';
const ROLE = `arn:aws:iam::${CUSTOMER}:role/${ROLE_NAME}`;

let simulator: AwsSimulator;
let callback: Callback;
beforeEach(async () => {
  callback = await startCallback();
  simulator = await startAwsSimulator({
    accounts: CONNECTION_ACCOUNTS,
    templates: { [TEMPLATE_URL]: renderTemplate() },
  });
});
afterEach(async () => {
  await simulator.stop();
  await callback.stop();
});

const reports = () => ({ url: callback.url, setupId: 'setup-1', token: 'callback-token' });

function link(
  capabilities: readonly AwsCapability[],
  reported: ReturnType<typeof reports> | undefined,
  roleName = ROLE_NAME,
): string {
  const parameters = stackParameters({
    principalArn: RUNNER_ROLE,
    externalId: EXTERNAL_ID,
    roleName,
    capabilities,
    ...(reported && { callback: reported }),
  });
  return quickCreateUrl({ region: REGION, templateUrl: TEMPLATE_URL, stackName: STACK, parameters });
}

async function create(capabilities: readonly AwsCapability[] = AWS_CAPABILITIES, reported = true) {
  await simulator.quickCreate(link(capabilities, reported ? reports() : undefined));
  return simulator.waitForStack(STACK);
}

async function assume() {
  const client = new STSClient({
    region: REGION,
    endpoint: simulator.url,
    credentials: simulator.issueSession(RUNNER_ROLE),
    maxAttempts: 1,
  });
  const { Credentials: issued } = await client
    .send(
      new AssumeRoleCommand({
        RoleArn: ROLE,
        RoleSessionName: 'planton',
        ExternalId: EXTERNAL_ID,
        SourceIdentity: 'acme',
        Tags: [{ Key: 'planton:organization', Value: 'acme' }],
      }),
    )
    .finally(() => client.destroy());
  return {
    accessKeyId: issued?.AccessKeyId ?? '',
    secretAccessKey: issued?.SecretAccessKey ?? '',
    sessionToken: issued?.SessionToken ?? '',
  };
}

describe("the platform's own template", () => {
  test('makes a role with all capabilities that may look at its stack, and reports', async () => {
    const stack = await create();
    expect(stack.status, JSON.stringify(stack.events.filter(({ reason }) => reason))).toBe('CREATE_COMPLETE');
    expect(stack.outputs).toMatchObject({ RoleArn: ROLE, ExternalId: EXTERNAL_ID });
    expect(callback.bodies).toEqual([
      {
        setupId: 'setup-1',
        token: 'callback-token',
        accountId: CUSTOMER,
        roleArn: ROLE,
        stackId: stack.stackId,
        externalId: EXTERNAL_ID,
        templateVersion: stack.outputs.TemplateVersion,
      },
    ]);
    const client = new CloudFormationClient({
      region: REGION,
      endpoint: simulator.url,
      credentials: await assume(),
      maxAttempts: 1,
    });
    for (const StackName of [STACK, stack.stackId]) {
      const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
      expect(Stacks?.[0]?.StackStatus).toBe('CREATE_COMPLETE');
    }
    client.destroy();
    const [invocation] = await simulator.waitForInvocations();
    expect(invocation?.outcome).toBe('returned');
    expect(invocation?.log).not.toContain('callback-token');
  });

  test('without a callback is a role and its policies alone', async () => {
    const stack = await create([], false);
    expect(stack.status).toBe('CREATE_COMPLETE');
    expect(stack.resources.map(({ type }) => type)).toEqual(['AWS::IAM::Role']);
    expect(simulator.invocations()).toEqual([]);
    await assume();
  });

  test('is created all the same when the callback cannot be reached', async () => {
    simulator.blockCallbacks('refused');
    expect((await create()).status).toBe('CREATE_COMPLETE');
    expect(callback.bodies).toEqual([]);
  });

  test('is updated and deleted, and the role stays what it is until then', async () => {
    const { stackId } = await create(['eks']);
    const credentials = await assume();
    simulator.updateStack(STACK, {
      EnableEks: 'false',
      EnableS3Storage: 'true',
      EnableKmsEncryption: 'true',
    });
    const updated = await simulator.waitForStack(STACK);
    expect(updated.status, JSON.stringify(updated.events.filter(({ reason }) => reason))).toBe(
      'UPDATE_COMPLETE',
    );
    expect(updated.resources.map(({ logicalId }) => logicalId).toSorted()).toEqual(
      expect.arrayContaining(['Callback', 'KmsEncryptionPolicy', 'Role', 'S3StoragePolicy']),
    );
    expect(await identify(credentials)).toContain(ROLE_NAME);
    await assume();
    simulator.deleteStack(STACK);
    expect((await simulator.waitForStack(stackId)).status).toBe('DELETE_COMPLETE');
    await expect(assume()).rejects.toMatchObject({ name: 'AccessDenied' });
  });
});

async function identify(credentials: Awaited<ReturnType<typeof assume>>): Promise<string | undefined> {
  const client = new STSClient({ region: REGION, endpoint: simulator.url, credentials, maxAttempts: 1 });
  const { Arn } = await client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
  return Arn;
}
