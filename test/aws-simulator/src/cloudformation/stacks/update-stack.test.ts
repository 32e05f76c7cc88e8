import { describe, expect, test } from 'vitest';
import { CUSTOMER, connectionTemplate, EXTERNAL_ID, HANDLERS } from '../../testing/connection-template.ts';
import { ROLE, STACK, useStackRig } from '../../testing/stack-rig.ts';

const rig = useStackRig();

async function update(parameters: Readonly<Record<string, string>>, template?: string) {
  const accepted = rig.simulator.updateStack(STACK, parameters, template);
  expect(accepted.status).toBe('UPDATE_IN_PROGRESS');
  return rig.simulator.waitForStack(STACK);
}

const requests = async () =>
  (await rig.simulator.waitForInvocations()).map(({ event }) => [
    event.RequestType,
    event.PhysicalResourceId,
  ]);

describe('an update', () => {
  test('changes what has changed and keeps the role, whose sessions go on', async () => {
    await rig.start();
    const before = await rig.create({ CallbackUrl: rig.callback.url });
    const credentials = await rig.assume();
    const other = 'e'.repeat(64);
    const after = await update({ ExternalId: other, EnableS3Storage: 'true' });
    expect(after).toMatchObject({ status: 'UPDATE_COMPLETE', stackId: before.stackId });
    expect(await rig.describe(credentials)).toBe('UPDATE_COMPLETE');
    await expect(rig.assume({ ExternalId: EXTERNAL_ID })).rejects.toMatchObject({ name: 'AccessDenied' });
    await rig.assume({ ExternalId: other });
    expect(await requests()).toEqual([
      ['Create', undefined],
      ['Update', 'callback'],
    ]);
    const [, { event }] = (await rig.simulator.waitForInvocations()) as [
      unknown,
      { event: { OldResourceProperties: unknown; ResourceProperties: unknown } },
    ];
    expect(event.OldResourceProperties).toMatchObject({ After: [], ServiceTimeout: '60' });
    expect(event.ResourceProperties).toMatchObject({ After: ['s3|PlantonConnect-acme'] });
  });

  test('that makes another physical resource deletes the old one', async () => {
    await rig.start(connectionTemplate(HANDLERS.answers));
    await rig.create({ CallbackUrl: rig.callback.url });
    const after = await update({ PhysicalId: 'another' });
    expect(after.status).toBe('UPDATE_COMPLETE');
    expect(after.resources.find(({ logicalId }) => logicalId === 'Callback')?.physicalId).toBe('another');
    expect(await requests()).toEqual([
      ['Create', undefined],
      ['Update', 'thing'],
      ['Delete', 'thing'],
    ]);
  });

  test('of the name of a role replaces it', async () => {
    await rig.start();
    await rig.create({ EnableS3Storage: 'true' });
    const credentials = await rig.assume();
    const after = await update({ RoleName: 'PlantonConnect-other' });
    expect(after).toMatchObject({
      status: 'UPDATE_COMPLETE',
      outputs: { RoleArn: `${ROLE.slice(0, -4)}other` },
    });
    await expect(rig.describe(credentials)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    await expect(rig.assume()).rejects.toMatchObject({ name: 'AccessDenied' });
    await rig.assume({ RoleArn: `${ROLE.slice(0, -4)}other` });
  });

  test('takes down what the stack no longer wants', async () => {
    await rig.start();
    await rig.create({ CallbackUrl: rig.callback.url, EnableS3Storage: 'true' });
    const after = await update({ CallbackUrl: '', EnableS3Storage: 'false' });
    expect(after.status).toBe('UPDATE_COMPLETE');
    expect(after.resources.map(({ logicalId }) => logicalId)).toEqual(['Role']);
    expect(after.outputs).toEqual({ RoleArn: ROLE });
    expect(await requests()).toEqual([
      ['Create', undefined],
      ['Delete', 'callback'],
    ]);
  });

  test('that fails puts everything back', async () => {
    await rig.start(connectionTemplate(HANDLERS.answers));
    const before = await rig.create({ CallbackUrl: rig.callback.url });
    const credentials = await rig.assume();
    const after = await update({ ExternalId: 'e'.repeat(64), EnableS3Storage: 'true', Answer: 'failed' });
    expect(after.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(after.parameters).toEqual(before.parameters);
    expect(after.outputs).toEqual(before.outputs);
    expect(after.resources.map(({ logicalId }) => logicalId)).toEqual(
      before.resources.map(({ logicalId }) => logicalId),
    );
    expect(await rig.describe(credentials)).toBe('UPDATE_ROLLBACK_COMPLETE');
    await rig.assume();
    expect(await requests()).toEqual([
      ['Create', undefined],
      ['Update', 'thing'],
      ['Update', 'thing'],
    ]);
    expect((await update({ EnableS3Storage: 'true' })).status).toBe('UPDATE_COMPLETE');
  });

  test('with another template adds and removes resources, and keeps what is to be retained', async () => {
    const extended = connectionTemplate().replace(
      'Resources:\n',
      'Resources:\n  Logs: {Type: "AWS::Logs::LogGroup", DeletionPolicy: Retain, Properties: {LogGroupName: /planton}}\n',
    );
    await rig.start();
    await rig.create();
    expect((await update({}, extended)).resources.map(({ logicalId }) => logicalId)).toContain('Logs');
    expect((await update({}, connectionTemplate())).resources.map(({ logicalId }) => logicalId)).toEqual([
      'Role',
    ]);
    const again = await update({}, extended);
    expect(again.status).toBe('UPDATE_ROLLBACK_COMPLETE');
    expect(again.events.some(({ reason }) => reason === '/planton already exists')).toBe(true);
  });

  test.each([
    [{}, 'No updates are to be performed.'],
    [{ RoleName: 'x' }, "Parameter 'RoleName' must contain at least 3 characters"],
    [{ Unknown: 'x' }, 'Parameters: [Unknown] do not exist in the template'],
  ])('with %j is refused', async (parameters, message) => {
    await rig.start();
    await rig.create();
    expect(() => rig.simulator.updateStack(STACK, parameters)).toThrow(message);
    expect(rig.simulator.stack(STACK)?.status).toBe('CREATE_COMPLETE');
  });

  test('of a stack that is busy, was rolled back or is gone is refused', async () => {
    await rig.start();
    rig.simulator.failNextStack({ after: 'Role' });
    const stack = await rig.create();
    expect(() => rig.simulator.updateStack(STACK, { EnableS3Storage: 'true' })).toThrow(
      'is in ROLLBACK_COMPLETE state and can not be updated',
    );
    rig.simulator.deleteStack(STACK);
    expect(() => rig.simulator.deleteStack(STACK)).toThrow('is in DELETE_IN_PROGRESS state');
    await rig.simulator.waitForStack(stack.stackId);
    expect(() => rig.simulator.deleteStack(stack.stackId)).toThrow('does not exist');
    expect(() => rig.simulator.deleteStack('another')).toThrow('Stack with id another does not exist');
  });
});

describe('a deletion', () => {
  test('takes down all that the stack made', async () => {
    await rig.start();
    const { stackId } = await rig.create({ CallbackUrl: rig.callback.url, EnableS3Storage: 'true' });
    const credentials = await rig.assume();
    rig.simulator.deleteStack(STACK);
    const stack = await rig.simulator.waitForStack(stackId);
    expect(stack.status).toBe('DELETE_COMPLETE');
    expect(new Set(stack.resources.map(({ status }) => status))).toEqual(new Set(['DELETE_COMPLETE']));
    await expect(rig.describe(credentials)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
  });

  test('goes on where the role is gone already', async () => {
    await rig.start();
    const { stackId } = await rig.create({ EnableS3Storage: 'true' });
    rig.simulator.deleteRole(ROLE);
    rig.simulator.deleteStack(STACK);
    expect((await rig.simulator.waitForStack(stackId)).status).toBe('DELETE_COMPLETE');
  });

  test('fails where somebody else gave the role a policy, and succeeds when it is taken away', async () => {
    await rig.start();
    const { stackId } = await rig.create();
    const { trustPolicy } = {
      trustPolicy: { Version: '2012-10-17', Statement: { Effect: 'Allow', Principal: '*', Action: '*' } },
    };
    const foreign = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } };
    const own = { 'own-stack': foreign };
    rig.simulator.putRole(CUSTOMER, {
      name: 'PlantonConnect-acme',
      trustPolicy,
      policies: { ...own, foreign },
    });
    rig.simulator.deleteStack(STACK);
    const failed = await rig.simulator.waitForStack(stackId);
    expect(failed.status).toBe('DELETE_FAILED');
    expect(failed.resources[0]?.statusReason).toContain('must delete policies first');
    rig.simulator.putRole(CUSTOMER, { name: 'PlantonConnect-acme', trustPolicy, policies: own });
    rig.simulator.deleteStack(STACK);
    expect((await rig.simulator.waitForStack(stackId)).status).toBe('DELETE_COMPLETE');
  });
});
