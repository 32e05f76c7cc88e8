import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { describe, expect, test } from 'vitest';
import { CUSTOMER, CUSTOMER_KEY, EXTERNAL_ID, REGION } from '../testing/connection-template.ts';
import { KEY } from '../testing/sign-request.ts';
import { type Key, ROLE, STACK, useStackRig } from '../testing/stack-rig.ts';

const rig = useStackRig();

async function list(credentials: Key, input: { StackName?: string } = {}, region = REGION) {
  const client = new CloudFormationClient({
    region,
    endpoint: rig.simulator.url,
    credentials,
    maxAttempts: 1,
  });
  const { Stacks } = await client.send(new DescribeStacksCommand(input)).finally(() => client.destroy());
  return Stacks ?? [];
}

const policy = (Effect: string, Action: string, Resource = '*') =>
  JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect, Action, Resource }] });

test('says of a stack what the SDK understands', async () => {
  await rig.start();
  const { stackId } = await rig.create();
  const [stack] = await list(CUSTOMER_KEY, { StackName: STACK });
  expect(stack).toMatchObject({
    StackId: stackId,
    StackName: STACK,
    Description: 'A role that one principal may assume <b>with</b> an external ID.',
    StackStatus: 'CREATE_COMPLETE',
    Capabilities: ['CAPABILITY_NAMED_IAM'],
    Outputs: [{ OutputKey: 'RoleArn', OutputValue: ROLE }],
    EnableTerminationProtection: false,
  });
  expect(stack?.CreationTime).toBeInstanceOf(Date);
  expect(stack?.Parameters).toContainEqual({ ParameterKey: 'ExternalId', ParameterValue: EXTERNAL_ID });
  expect(stack?.Parameters).toContainEqual({ ParameterKey: 'Internal', ParameterValue: '****' });
  rig.simulator.deleteStack(stackId);
  await rig.simulator.waitForStack(stackId);
  const [deleted] = await list(CUSTOMER_KEY, { StackName: stackId });
  expect(deleted).toMatchObject({ StackStatus: 'DELETE_COMPLETE', DeletionTime: expect.any(Date) });
  expect(await list(CUSTOMER_KEY)).toEqual([]);
});

describe('is refused', () => {
  const missing = (name: string) => ({
    name: 'ValidationError',
    message: `Stack with id ${name} does not exist`,
    $metadata: { httpStatusCode: 400 },
  });
  const denied = (resource: string, why: string) => ({
    name: 'AccessDenied',
    message: expect.stringContaining(
      `is not authorized to perform: cloudformation:DescribeStacks on resource: ${resource} ${why}`,
    ),
    $metadata: { httpStatusCode: 403 },
  });
  const prefix = `arn:aws:cloudformation:${REGION}:${CUSTOMER}:stack`;
  const implicitly = (kind: string) => `because no ${kind} allows the cloudformation:DescribeStacks action`;

  test('what is not there: another name, another region, a deleted one by its name', async () => {
    await rig.start();
    const { stackId } = await rig.create();
    await expect(list(CUSTOMER_KEY, { StackName: 'another' })).rejects.toMatchObject(missing('another'));
    await expect(list(CUSTOMER_KEY, { StackName: STACK }, 'eu-west-1')).rejects.toMatchObject(missing(STACK));
    await expect(list(CUSTOMER_KEY, { StackName: stackId }, 'eu-west-1')).rejects.toMatchObject(
      missing(stackId),
    );
    await expect(list(CUSTOMER_KEY, { StackName: 'a b' })).rejects.toMatchObject({ name: 'ValidationError' });
    await expect(list(CUSTOMER_KEY, { StackName: 'arn:aws:iam::1:x' })).rejects.toMatchObject({
      name: 'ValidationError',
    });
    rig.simulator.deleteStack(STACK);
    await rig.simulator.waitForStack(stackId);
    await expect(list(CUSTOMER_KEY, { StackName: STACK })).rejects.toMatchObject(missing(STACK));
  });

  test('another account, and a role that has no leave', async () => {
    await rig.start();
    const { stackId } = await rig.create();
    await expect(list(KEY, { StackName: stackId })).rejects.toMatchObject(
      denied(stackId, 'because no resource-based policy'),
    );
    await expect(list(KEY, { StackName: STACK })).rejects.toMatchObject(missing(STACK));
    const credentials = await rig.assume();
    expect(await list(credentials, { StackName: STACK })).toHaveLength(1);
    await expect(list(credentials)).rejects.toMatchObject(denied('*', implicitly('identity-based policy')));
    await expect(list(credentials, { StackName: 'other' })).rejects.toMatchObject(
      denied(`${prefix}/other/*`, implicitly('identity-based policy')),
    );
  });

  test('a session that its own policy limits, and a role that its boundary does', async () => {
    await rig.start();
    await rig.create();
    const none = await rig.assume({ Policy: policy('Allow', 's3:*') });
    await expect(rig.describe(none)).rejects.toMatchObject(
      denied(`${prefix}/${STACK}/*`, implicitly('session policy')),
    );
    const deny = await rig.assume({ Policy: policy('Deny', '*') });
    await expect(rig.describe(deny)).rejects.toMatchObject(
      denied(`${prefix}/${STACK}/*`, 'with an explicit deny in a session policy'),
    );
    const some = await rig.assume({ Policy: policy('Allow', 'cloudformation:Describe*') });
    expect(await rig.describe(some)).toBe('CREATE_COMPLETE');
    const managed = await rig.assume({ PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' }] });
    expect(await rig.describe(managed)).toBe('CREATE_COMPLETE');
    rig.simulator.updateStack(STACK, { PermissionsBoundaryArn: `arn:aws:iam::${CUSTOMER}:policy/Boundary` });
    expect((await rig.simulator.waitForStack(STACK)).status).toBe('UPDATE_COMPLETE');
    await expect(rig.describe(some)).rejects.toMatchObject(
      denied(`${prefix}/${STACK}/*`, implicitly('permissions boundary')),
    );
  });

  test('a session policy that is not understood is no session', async () => {
    await rig.start();
    await rig.create();
    await expect(rig.assume({ Policy: policy('Allow', 's3:*', 'bucket') })).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
    });
    await expect(
      rig.assume({ PolicyArns: [{ arn: 'arn:aws:iam::aws:policy/Nothing' }] }),
    ).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
    });
  });
});
