import { describe, expect, test } from 'vitest';
import {
  CUSTOMER,
  connectionTemplate,
  EXTERNAL_ID,
  HANDLERS,
  quickCreateLink,
} from '../../testing/connection-template.ts';
import { ROLE, STACK, useStackRig } from '../../testing/stack-rig.ts';

const rig = useStackRig();

const reasonOf = (
  stack: { readonly events: readonly { status: string; reason?: string }[] },
  status: string,
) => stack.events.find((event) => event.status === status)?.reason;

describe('a stack that is created', () => {
  test('has its role, its outputs, and has run the code of its function', async () => {
    await rig.start();
    const accepted = await rig.simulator.quickCreate(
      quickCreateLink({ CallbackUrl: rig.callback.url, CallbackToken: 'token', EnableS3Storage: 'true' }),
    );
    expect(accepted.status).toBe('CREATE_IN_PROGRESS');
    const stack = await rig.simulator.waitForStack(accepted.stackId);
    expect(stack).toMatchObject({
      status: 'CREATE_COMPLETE',
      accountId: CUSTOMER,
      outputs: { RoleArn: ROLE, Told: `callback: told 200 \${literal}` },
      parameters: { ExternalId: EXTERNAL_ID, MaxSessionDuration: '3600', Internal: '****' },
    });
    expect(
      stack.resources.map(({ logicalId, physicalId, status }) => [logicalId, physicalId, status]),
    ).toEqual([
      ['Role', 'PlantonConnect-acme', 'CREATE_COMPLETE'],
      ['S3Policy', 's3|PlantonConnect-acme', 'CREATE_COMPLETE'],
      [
        'FunctionRole',
        expect.stringMatching(/^planton-connect-acme-FunctionRole-[A-Z2-7]{12}$/),
        'CREATE_COMPLETE',
      ],
      ['Function', expect.stringMatching(/^planton-connect-acme-Function-/), 'CREATE_COMPLETE'],
      ['Callback', 'callback', 'CREATE_COMPLETE'],
    ]);
    expect(rig.callback.bodies).toEqual([
      { token: 'token', roleArn: ROLE, stackId: stack.stackId, number: '3' },
    ]);
    expect(await rig.describe(await rig.assume())).toBe('CREATE_COMPLETE');
  });

  test('without what its conditions leave out', async () => {
    await rig.start();
    const stack = await rig.create();
    expect(stack.resources.map(({ logicalId }) => logicalId)).toEqual(['Role']);
    expect(stack.outputs).toEqual({ RoleArn: ROLE });
    expect(rig.simulator.invocations()).toEqual([]);
  });

  test('is one of a name at a time, in an account and a region', async () => {
    await rig.start();
    const first = await rig.create();
    await expect(rig.create()).rejects.toMatchObject({
      code: 'AlreadyExistsException',
      message: `Stack [${STACK}] already exists`,
    });
    rig.simulator.deleteStack(STACK);
    await rig.simulator.waitForStack(first.stackId);
    const second = await rig.create();
    expect(second.stackId).not.toBe(first.stackId);
    expect(rig.simulator.stack(STACK)?.stackId).toBe(second.stackId);
    expect(rig.simulator.stack(first.stackId)?.status).toBe('DELETE_COMPLETE');
  });
});

describe('a stack that fails is rolled back, and nothing of it stays', () => {
  test.each([
    ['failed', 1, 'Message returned: because it was told to'],
    ['long', 1, 'Response object is too long.'],
    ['forged', 1, 'Invalid response object: Value of property StackId is not that of the request'],
    ['nothing', 15, 'CloudFormation did not receive a response from your Custom Resource'],
    ['throws', 15, 'CloudFormation did not receive a response from your Custom Resource'],
    ['forever', 15, 'CloudFormation did not receive a response from your Custom Resource'],
    ['typed', 15, 'CloudFormation did not receive a response from your Custom Resource'],
  ])('when its custom resource ends in %s', async (answer, clockFactor, reason) => {
    await rig.start(connectionTemplate(HANDLERS.answers), { clockFactor });
    const stack = await rig.create({ CallbackUrl: rig.callback.url, Answer: answer });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(reasonOf(stack, 'CREATE_FAILED')).toContain(reason);
    expect(reasonOf(stack, 'ROLLBACK_IN_PROGRESS')).toContain('failed to create: [Callback]');
    expect(stack.resources.map(({ status }) => status)).toEqual(Array(4).fill('DELETE_COMPLETE'));
    const invocations = await rig.simulator.waitForInvocations();
    expect(invocations.map(({ event }) => event.RequestType)).toEqual(['Create', 'Delete']);
    expect(invocations[1]?.event.PhysicalResourceId).toMatch(
      answer === 'failed' ? /^thing$/ : /^planton-connect-acme-Callback-[A-Z2-7]{12}$/,
    );
    await expect(rig.assume()).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('when a role of the name is there, which stays as it was', async () => {
    await rig.start();
    const trustPolicy = {
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Principal: '*', Action: '*' },
    };
    const arn = rig.simulator.putRole(CUSTOMER, { name: 'plantonconnect-ACME', trustPolicy });
    const stack = await rig.create({ CallbackUrl: rig.callback.url });
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
    expect(reasonOf(stack, 'CREATE_FAILED')).toContain('Role with name PlantonConnect-acme already exists.');
    expect(rig.simulator.issueSession(arn).accessKeyId).toMatch(/^ASIA/);
  });

  test('when its boundary is not there', async () => {
    await rig.start();
    const stack = await rig.create({ PermissionsBoundaryArn: `arn:aws:iam::${CUSTOMER}:policy/None` });
    expect(reasonOf(stack, 'CREATE_FAILED')).toContain('does not exist or is not attachable');
    expect(stack.status).toBe('ROLLBACK_COMPLETE');
  });

  test('and is in ROLLBACK_FAILED when its custom resource cannot be deleted', async () => {
    await rig.start(connectionTemplate(HANDLERS.answers));
    rig.simulator.failNextStack({ after: 'Callback' });
    const stack = await rig.create({ CallbackUrl: rig.callback.url, Answer: 'undeletable' });
    expect(stack.status).toBe('ROLLBACK_FAILED');
    expect(stack.statusReason).toBe('The following resource(s) failed to delete: [Callback].');
  });
});

describe('failNextStack', () => {
  test('lets the role work until the stack is rolled back', async () => {
    await rig.start();
    const until = Promise.withResolvers<void>();
    rig.simulator.failNextStack({ after: 'Role', until: until.promise });
    const { stackId } = await rig.simulator.quickCreate(quickCreateLink());
    await expect
      .poll(() =>
        rig.assume().then(
          () => 'assumed',
          () => 'denied',
        ),
      )
      .toBe('assumed');
    const credentials = await rig.assume();
    expect(await rig.describe(credentials)).toBe('CREATE_IN_PROGRESS');
    until.resolve();
    expect((await rig.simulator.waitForStack(stackId)).status).toBe('ROLLBACK_COMPLETE');
    await expect(rig.assume()).rejects.toMatchObject({ name: 'AccessDenied' });
    await expect(rig.describe(credentials)).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    rig.simulator.deleteStack(STACK);
    await rig.simulator.waitForStack(stackId);
    expect((await rig.create()).status).toBe('CREATE_COMPLETE');
  });

  test('does not keep the simulator from stopping', async () => {
    await rig.start();
    rig.simulator.failNextStack({ after: 'Role', until: new Promise(() => {}) });
    const stack = rig.create();
    const refused = expect(stack).rejects.toThrow('the simulator was stopped');
    await expect.poll(() => rig.simulator.stack(STACK)?.resources.length).toBe(1);
    await rig.simulator.stop();
    await refused;
  });
});

describe('is refused at once', () => {
  test.each([
    [
      { ExternalId: 'F'.repeat(64) },
      {},
      'Parameter ExternalId failed to satisfy constraint: must be 64 hexa',
    ],
    [{ ExternalId: '' }, {}, 'Parameter ExternalId failed to satisfy constraint'],
    [{ RoleName: 'x' }, {}, "Parameter 'RoleName' must contain at least 3 characters"],
    [{ RoleName: 'x'.repeat(65) }, {}, "Parameter 'RoleName' must contain at most 64 characters"],
    [
      { MaxSessionDuration: '3599' },
      {},
      "Parameter 'MaxSessionDuration' must be a number not less than 3600",
    ],
    [{ MaxSessionDuration: '43201' }, {}, "'MaxSessionDuration' must be a number not greater than 43200"],
    [{ MaxSessionDuration: '1e4' }, {}, "Parameter 'MaxSessionDuration' must be a number"],
    [{ EnableS3Storage: 'yes' }, {}, "Parameter 'EnableS3Storage' must be one of AllowedValues"],
    [{}, { acknowledge: false }, 'Requires capabilities : [CAPABILITY_NAMED_IAM]'],
    [{}, { stackName: '1-stack' }, "Value at 'stackName' failed to satisfy constraint"],
    [{}, { accountId: '999999999999' }, 'There is no account 999999999999'],
    [{}, { parameters: { Unknown: 'x' } }, 'the quick-create page has no parameter Unknown'],
  ])('%j %j', async (parameters, edits, message) => {
    await rig.start();
    await expect(rig.create(parameters, edits)).rejects.toThrow(message);
    expect(rig.simulator.stack(STACK)).toBeUndefined();
  });
});

test('a custom resource is told once more than needed, and the stack takes no harm', async () => {
  await rig.start();
  rig.simulator.repeatLambda(5);
  const stack = await rig.create({ CallbackUrl: rig.callback.url });
  expect(stack.status).toBe('CREATE_COMPLETE');
  const invocations = await rig.simulator.waitForInvocations();
  expect(invocations.map(({ outcome }) => outcome)).toEqual(Array(5).fill('returned'));
  expect(new Set(invocations.map(({ event }) => event.RequestId)).size).toBe(1);
  expect(rig.callback.bodies).toHaveLength(5);
});

test.each([
  ['refused', 'ECONNREFUSED', 1],
  ['silent', '', 15],
] as const)('a callback that is %s is told of by nobody', async (how, told, clockFactor) => {
  await rig.start(connectionTemplate(), { clockFactor });
  rig.simulator.blockCallbacks(how);
  const stack = await rig.create({ CallbackUrl: rig.callback.url });
  expect(stack.status).toBe(how === 'refused' ? 'CREATE_COMPLETE' : 'ROLLBACK_COMPLETE');
  expect(stack.outputs.Told ?? '').toContain(told);
  expect(rig.callback.bodies).toEqual([]);
});
