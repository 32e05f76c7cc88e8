import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AwsSimulator } from '../../server/simulator.ts';
import { startAwsSimulator } from '../../server/start-simulator.ts';
import {
  type Callback,
  CONNECTION_ACCOUNTS,
  CUSTOMER,
  connectionTemplate,
  EXTERNAL_ID,
  HANDLERS,
  quickCreateLink,
  REGION,
  RUNNER_ROLE,
  startCallback,
  TEMPLATE_URL,
} from '../../testing/connection-template.ts';

let simulator: AwsSimulator;
let callback: Callback;
beforeEach(async () => {
  callback = await startCallback();
});
afterEach(async () => {
  await simulator.stop();
  await callback.stop();
});

async function start(template = connectionTemplate(), clockFactor = 1) {
  simulator = await startAwsSimulator({
    accounts: CONNECTION_ACCOUNTS,
    templates: { [TEMPLATE_URL]: template },
    clockFactor,
  });
}

const ROLE = `arn:aws:iam::${CUSTOMER}:role/PlantonConnect-acme`;

function assume(externalId = EXTERNAL_ID) {
  const client = new STSClient({
    region: REGION,
    endpoint: simulator.url,
    credentials: simulator.issueSession(RUNNER_ROLE, 'runner-1'),
    maxAttempts: 1,
  });
  const command = new AssumeRoleCommand({
    RoleArn: ROLE,
    RoleSessionName: 'planton',
    ExternalId: externalId,
    SourceIdentity: 'acme',
    Tags: [{ Key: 'planton:organization', Value: 'acme' }],
  });
  return client.send(command).finally(() => client.destroy());
}

test('a link becomes a stack, whose role can be assumed and may look at the stack', async () => {
  await start();
  const accepted = await simulator.quickCreate(
    quickCreateLink({ CallbackUrl: callback.url, CallbackToken: 'token' }),
  );
  expect(accepted.status).toBe('CREATE_IN_PROGRESS');
  const stack = await simulator.waitForStack(accepted.stackId);
  expect(stack).toMatchObject({
    status: 'CREATE_COMPLETE',
    accountId: CUSTOMER,
    outputs: { RoleArn: ROLE, Told: `callback: told 200 \${literal}` },
  });
  expect(callback.bodies).toEqual([{ token: 'token', roleArn: ROLE, stackId: stack.stackId, number: '3' }]);

  const { Credentials: issued } = await assume();
  const client = new CloudFormationClient({
    region: REGION,
    endpoint: simulator.url,
    maxAttempts: 1,
    credentials: {
      accessKeyId: issued?.AccessKeyId ?? '',
      secretAccessKey: issued?.SecretAccessKey ?? '',
      sessionToken: issued?.SessionToken ?? '',
    },
  });
  for (const StackName of [stack.name, stack.stackId]) {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName }));
    expect(Stacks).toMatchObject([{ StackId: stack.stackId, StackStatus: 'CREATE_COMPLETE' }]);
  }
  await expect(client.send(new DescribeStacksCommand({ StackName: 'another' }))).rejects.toMatchObject({
    name: 'AccessDenied',
  });
  expect(simulator.requests().at(-1)).toMatchObject({
    sourceIdentity: 'acme',
    sessionTags: new Map([['planton:organization', 'acme']]),
  });
  client.destroy();
});

describe.each(['failed', 'nothing', 'throws', 'forever', 'long', 'typed'])(
  'a custom resource that ends in %s',
  (answer) => {
    test('fails the stack, of which nothing stays', async () => {
      await start(connectionTemplate(HANDLERS.answers), answer === 'failed' || answer === 'long' ? 1 : 15);
      await simulator.quickCreate(quickCreateLink({ CallbackUrl: callback.url, Answer: answer }));
      const stack = await simulator.waitForStack('planton-connect-acme');
      expect(stack.status).toBe('ROLLBACK_COMPLETE');
      await expect(assume()).rejects.toMatchObject({ name: 'AccessDenied' });
    });
  },
);
