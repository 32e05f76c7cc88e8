import { Code } from '@connectrpc/connect';
import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton, type Planton } from '@planton/client';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectRefusal, refusalOf } from './refusal.ts';
import { ACCOUNT, type Begun, OTHER_ACCOUNT, startTrustRig, type TrustRig } from './start-trust-rig.ts';

// The quick-create page shows every value of the link to whoever creates the stack, who can change it, and nothing keeps an organisation
// from naming the role of another.

const { COMPLETED, PENDING, VERIFYING } = AwsTrustSetupState;
const OTHER_ORG = 'globex';

let rig: TrustRig;
/** Whoever attacks: the admin of another organisation. */
let attacker: Planton;
/** What is attacked. */
let victim: Awaited<ReturnType<TrustRig['connect']>>;

beforeAll(async () => {
  rig = await startTrustRig();
  await rig.owner.identity.createOrganization({ slug: OTHER_ORG });
  const { key } = await rig.owner.identity.createApiKey({
    org: OTHER_ORG,
    name: 'attacker',
    role: Role.ADMIN,
  });
  attacker = createPlanton({ server: rig.platform.url, apiKey: key });
  victim = await rig.connect('victim');
}, 120_000);
afterAll(() => rig?.stop());

/** How a set-up stands once the platform has tried it so many times more. */
const triedAgain = async (begun: Begun, times = 2) => {
  const { attempts } = await rig.look(begun);
  return rig.wait(begun, (setup) => setup.endTime !== undefined || setup.attempts >= attempts + times);
};
/** Calls of AssumeRole for a role, as AWS saw them. */
const triesOf = (roleArn: string) =>
  rig.aws.requests().filter(({ assumeRole }) => assumeRole?.roleArn === roleArn);
const credentialsOf = (client: Planton, org: string, connection: string) =>
  client.connections.issueCredentials({ org, connection });

describe('a value of the page that somebody edits', () => {
  test('another external ID: never completed, and the set-up says what to do; made as the link says it is', async () => {
    const begun = await rig.begin('edited-id');
    const parameters = { ExternalId: 'a'.repeat(64) };
    const { stackId } = await rig.aws.quickCreate(begun.link, { parameters });
    expect((await rig.aws.waitForStack(stackId)).status).toBe('CREATE_COMPLETE');
    const told = await rig.wait(begun, ({ causes }) => causes.length > 0);
    expect(told.state).toBe(PENDING);
    expect(`${told.message} ${told.causes[0]?.message}`).toMatch(/external ID/i);
    expect(told.causes[0]?.hint).not.toBe('');
    expect(await rig.connections()).toEqual(['victim']);

    rig.aws.deleteStack(stackId);
    await rig.aws.waitForStack(stackId);
    expect((await rig.connect('edited-id', {}, begun)).setup.state).toBe(COMPLETED);
  }, 90_000);

  test('another principal: never completed', async () => {
    const begun = await rig.begin('edited-principal');
    const PlatformPrincipalArn = `arn:aws:iam::${OTHER_ACCOUNT}:role/planton-platform`;
    await rig.aws.quickCreate(begun.link, { parameters: { PlatformPrincipalArn } });
    const setup = await triedAgain(begun);
    expect(setup.state).toBe(VERIFYING);
    expect(setup.causes).not.toEqual([]);
    expect(await rig.connections()).not.toContain('edited-principal');
  }, 90_000);

  test('another account: a stack there is not heard, and its role is not tried', async () => {
    const begun = await rig.begin('edited-account');
    const { stackId } = await rig.aws.quickCreate(begun.link, { accountId: OTHER_ACCOUNT });
    expect((await rig.aws.waitForStack(stackId)).status).toBe('CREATE_COMPLETE');
    await rig.aws.waitForInvocations();
    const [record] = await rig.audit('trust_setup.callback', 'edited-account');
    expect(record?.details.reason).toBe('ACCOUNT_MISMATCH');
    expect((await rig.look(begun)).state).toBe(PENDING);
    expect(triesOf(begun.setup.roleArn.replace(ACCOUNT, OTHER_ACCOUNT))).toEqual([]);
    expect(await rig.connections()).not.toContain('edited-account');
  }, 90_000);

  test.each([
    ['another name of the role', { parameters: { RoleName: 'my-own-name' } }, /:role\/my-own-name$/],
    ['another name of the stack', { stackName: 'my-own-stack' }, /PlantonConnect-stack-/],
    [
      'a capability that is switched off',
      { parameters: { EnableEks: 'false' } },
      /PlantonConnect-capability-/,
    ],
  ])(
    '%s: completed, as what it is',
    async (what, edits, role) => {
      const name = what.split(' ').at(what.startsWith('a ') ? 1 : -1) ?? '';
      const { setup, stack } = await rig.connect(name, edits);
      expect(setup).toMatchObject({ state: COMPLETED, stackId: stack.stackId });
      expect(setup.roleArn).toMatch(role);
      expect((await credentialsOf(rig.owner, 'acme', name)).credentials.value?.sessionToken).not.toBe('');
    },
    90_000,
  );
});

describe('another organisation', () => {
  test('cannot apply a connection that uses the role, with or without its external ID', async () => {
    const manifest = (spec: string) =>
      `apiVersion: connect.planton.ai/v1\nkind: AwsProviderConnection\nmetadata: { name: theirs }\nspec:\n  auth_mode: cross_account_trust\n  account_id: { value: "${ACCOUNT}" }\n  region: { value: us-west-2 }\n  iam_role_arn: ${victim.setup.roleArn}\n${spec}`;
    const apply = (input: string) => rig.platform.cli(['apply', '--org', OTHER_ORG, '-f', '-'], { input });
    expectRefusal(await apply(manifest('')), 5, /set up by the server/, /planton connect aws/);
    const borrowed = `  external_id: { secret: ${victim.setup.externalIdSecret} }\n`;
    expectRefusal(await apply(manifest(borrowed)), 2, /external_id: only the server sets it/);
    await rig.owner.config.setSecret({
      org: OTHER_ORG,
      slug: 'known-id',
      entries: { value: victim.externalId },
    });
    expectRefusal(await apply(manifest('  external_id: { secret: known-id }\n')), 2, /external_id/);
    expect(await rig.connections(OTHER_ORG)).toEqual([]);
  }, 60_000);

  test('is not let in by a set-up of its own that a forged callback points at the role', async () => {
    const begun = await rig.begin('pointed', { org: OTHER_ORG });
    const forged = {
      ...rig.callbackOf(victim.stack.stackId),
      setupId: begun.setup.uid,
      token: begun.token,
      externalId: begun.externalId,
    };
    const before = triesOf(victim.setup.roleArn).length;
    expect((await rig.callBack(forged)).status).toBe(200);
    const setup = await triedAgain(begun);
    expect(setup.state).toBe(VERIFYING);
    const tries = triesOf(victim.setup.roleArn).slice(before);
    expect(tries.length).toBeGreaterThan(0);
    for (const { code, assumeRole } of tries) {
      expect(code).toBe('AccessDenied');
      expect(assumeRole?.externalId).toBe(begun.externalId);
    }
    expect(await rig.connections(OTHER_ORG)).toEqual([]);
    expect((await refusalOf(credentialsOf(attacker, OTHER_ORG, 'pointed'))).code).toBe(Code.NotFound);
  }, 90_000);

  test('is not let in by a connection of its own that it changes to the role', async () => {
    const begun = await rig.begin('mine', { org: OTHER_ORG, accountId: OTHER_ACCOUNT });
    await rig.connect('mine', { accountId: OTHER_ACCOUNT }, begun);
    const { connection } = await attacker.connections.getConnection({ org: OTHER_ORG, connection: 'mine' });
    const spec = connection?.kind.value?.spec;
    if (!connection || !spec?.accountId || !spec.externalId) throw new Error('the connection is not there');
    const apply = () => refusalOf(attacker.connections.applyConnection({ org: OTHER_ORG, connection }));
    const before = triesOf(victim.setup.roleArn).length;
    spec.iamRoleArn = victim.setup.roleArn;
    expect(await apply()).toMatchObject({ reason: 'TRUST_SETUP_REQUIRED' });
    spec.accountId.source = { case: 'value', value: ACCOUNT };
    expect(await apply()).toMatchObject({ reason: 'TRUST_SETUP_REQUIRED' });
    spec.externalId.secret = 'victim-external-id';
    expect(await apply()).toMatchObject({ reason: 'SERVER_OWNED_FIELD' });
    delete spec.externalId;
    expect(await apply()).toMatchObject({ reason: 'TRUST_SETUP_REQUIRED' });
    const issued = (await credentialsOf(attacker, OTHER_ORG, 'mine')).credentials.value;
    expect(issued?.accountId).toBe(OTHER_ACCOUNT);
    expect(triesOf(victim.setup.roleArn)).toHaveLength(before);
  }, 90_000);
});

test('a connection that is deleted leaves its external ID to nobody: the old role does not let in the new one of its name', async () => {
  const old = await rig.connect('phoenix');
  await rig.platform.planton('delete', 'aws', 'phoenix');
  const begun = await rig.begin('phoenix');
  expect(begun.externalId).not.toBe(old.externalId);
  expect(begun.setup.connectionUid).not.toBe(old.setup.connectionUid);
  expect(begun.setup.roleArn).not.toBe(old.setup.roleArn);
  const before = triesOf(old.setup.roleArn).length;
  const pointed = {
    ...rig.callbackOf(old.stack.stackId),
    setupId: begun.setup.uid,
    token: begun.token,
  };
  expect((await rig.callBack(pointed)).status).toBe(403);
  expect((await rig.callBack({ ...pointed, externalId: begun.externalId })).status).toBe(200);
  expect((await triedAgain(begun)).state).toBe(VERIFYING);
  const tries = triesOf(old.setup.roleArn).slice(before);
  expect(tries.length).toBeGreaterThan(0);
  for (const { code } of tries) expect(code).toBe('AccessDenied');
  expect(await rig.connections()).not.toContain('phoenix');
  await rig.connect('phoenix', {}, begun);
  expect((await credentialsOf(rig.owner, 'acme', 'phoenix')).credentials.value?.sessionToken).not.toBe('');
}, 120_000);

test('after all that the role still lets in its own connection', async () => {
  expect((await credentialsOf(rig.owner, 'acme', 'victim')).credentials.value?.sessionToken).not.toBe('');
  expect((await refusalOf(credentialsOf(attacker, 'acme', 'victim'))).code).toBe(Code.NotFound);
});
