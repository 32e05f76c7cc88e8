import type { DescMethod } from '@bufbuild/protobuf';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { Role } from '@planton/api/identity/v1/organization';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { openEmbedded } from '@planton/database';
import { recoverRunner } from '@planton/enrolment';
import { accessRuleOf } from '@planton/rpc';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awsManifest } from './manifest.ts';
import { createToken, enrolInstance } from './prepare-runners.ts';
import { startTrustRig, type TrustRig } from './start-trust-rig.ts';
import { waitUntil } from './wait-until.ts';

// Every RPC that writes, or whose answer can carry a secret, leaves a record. Which ones those are is read off the contract, so an RPC
// that is added has to be added here, with what it leaves.

const services = {
  identity: Identity,
  config: ConfigManager,
  connections: ConnectionService,
  runners: RunnerService,
} as const;
type Trail = keyof typeof services;

/** What only reads, by name, unless its answer can carry a secret. */
const READS = /^(Get|List|Watch|LookUp|WhoAmI|Export|ResolveConnection$|VerifyAuditTrail$)/;
const nameOf = (method: DescMethod) => `${method.parent.name}/${method.name}`;
const audited = Object.values(services)
  .flatMap(({ methods }) => methods)
  .filter((method) => !READS.test(method.name) || accessRuleOf(method).returnsSecrets)
  .map(nameOf);

/** What leaves no record, and why. */
const unrecorded: Readonly<Record<string, string>> = {
  'Identity/ExchangeToken':
    'every call with an API key is one; what the token is used for is on record with the uid of the key',
};

/** Something that somebody does, the RPCs that it consists of, and what each leaves. */
interface Step {
  readonly run: () => Promise<unknown>;
  readonly leaves: Readonly<Record<string, readonly [Trail, string]>>;
  /** The organisation that only exists then, whose trail it is in. */
  readonly newOrg?: string;
  /** Whether it concerns no organisation: the trail of the instance is read by its export alone. */
  readonly instance?: boolean;
}

const org = { org: 'acme' };
const api = { apiVersion: 'connect.planton.ai/v1' };
/** A second person, whom only the database can bring in. */
const PERSON = '00000000-0000-4000-8000-000000000001';

let rig: TrustRig;
const kept = new Map<string, string>();
const keep = (name: string, value: string | undefined) => {
  if (!value) throw new Error(`there is no ${name}`);
  kept.set(name, value);
};
const uid = (name: string) => kept.get(name) ?? expect.fail(`${name} was not kept`);
const apply = async (manifest: string) => {
  const { code, stderr } = await rig.platform.cli(['apply', '-f', '-'], { input: manifest });
  if (code !== 0) throw new Error(stderr);
};

function steps(): Step[] {
  const { identity, config, connections, runners } = rig.owner;
  return [
    {
      run: () => identity.createOrganization({ slug: 'globex' }),
      leaves: { 'Identity/CreateOrganization': ['identity', 'organization.create'] },
      newOrg: 'globex',
    },
    {
      run: () => identity.createEnvironment({ ...org, slug: 'production' }),
      leaves: { 'Identity/CreateEnvironment': ['identity', 'environment.create'] },
    },
    {
      run: () => identity.deleteEnvironment({ ...org, environment: 'production' }),
      leaves: { 'Identity/DeleteEnvironment': ['identity', 'environment.delete'] },
    },
    {
      run: async () => {
        const { serviceAccount } = await identity.createServiceAccount({
          ...org,
          slug: 'bot',
          role: Role.VIEWER,
        });
        keep('bot', serviceAccount?.uid);
      },
      leaves: { 'Identity/CreateServiceAccount': ['identity', 'service_account.create'] },
    },
    {
      run: () => identity.setMember({ ...org, subjectUid: uid('bot'), role: Role.DEVELOPER }),
      leaves: { 'Identity/SetMember': ['identity', 'member.set'] },
    },
    {
      run: async () =>
        keep('key', (await identity.createApiKey({ ...org, name: 'bot', role: Role.DEVELOPER })).apiKey?.uid),
      leaves: { 'Identity/CreateApiKey': ['identity', 'api_key.create'] },
    },
    {
      run: () => identity.revokeApiKey({ ...org, apiKey: uid('key') }),
      leaves: { 'Identity/RevokeApiKey': ['identity', 'api_key.revoke'] },
    },
    {
      run: () => identity.removeMember({ ...org, subjectUid: PERSON }),
      leaves: { 'Identity/RemoveMember': ['identity', 'member.remove'] },
    },
    {
      run: async () => {
        const invited = { ...org, email: 'grace@example.com', role: Role.VIEWER };
        keep('invitation', (await identity.createInvitation(invited)).invitation?.uid);
      },
      leaves: { 'Identity/CreateInvitation': ['identity', 'invitation.create'] },
    },
    {
      run: () => identity.revokeInvitation({ ...org, uid: uid('invitation') }),
      leaves: { 'Identity/RevokeInvitation': ['identity', 'invitation.revoke'] },
    },
    {
      run: () => identity.disableAccount({ uid: PERSON }),
      leaves: { 'Identity/DisableAccount': ['identity', 'account.disable'] },
      instance: true,
    },
    {
      run: () => identity.enableAccount({ uid: PERSON }),
      leaves: { 'Identity/EnableAccount': ['identity', 'account.enable'] },
      instance: true,
    },
    {
      run: () => identity.createPasswordLink({ uid: PERSON }),
      leaves: { 'Identity/CreatePasswordLink': ['identity', 'account.create_password_link'] },
      instance: true,
    },
    {
      run: async () => {
        await identity.createServiceAccount({ ...org, slug: 'gone', role: Role.VIEWER });
        await identity.deleteServiceAccount({ ...org, slug: 'gone' });
      },
      leaves: { 'Identity/DeleteServiceAccount': ['identity', 'service_account.delete'] },
    },

    {
      run: async () => {
        await config.setSecret({ ...org, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
        const entries = { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
        await config.setSecret({ ...org, slug: 'key', entries });
        await config.setSecret({ ...org, slug: 'key', entries: { ...entries, more: 'x' } });
      },
      leaves: { 'ConfigManager/SetSecret': ['config', 'secret.set'] },
    },
    {
      run: () => config.accessSecret({ ...org, slug: 'key' }),
      leaves: { 'ConfigManager/AccessSecret': ['config', 'secret.access'] },
    },
    {
      run: () => config.rollbackSecret({ ...org, slug: 'key', version: 1 }),
      leaves: { 'ConfigManager/RollbackSecret': ['config', 'secret.rollback'] },
    },
    {
      run: () => config.destroySecretVersion({ ...org, slug: 'key', version: 2 }),
      leaves: { 'ConfigManager/DestroySecretVersion': ['config', 'secret.destroy_version'] },
    },
    {
      run: async () => {
        await config.setSecret({ ...org, slug: 'old', entries: { value: 'x' } });
        await config.deleteSecret({ ...org, slug: 'old' });
      },
      leaves: { 'ConfigManager/DeleteSecret': ['config', 'secret.delete'] },
    },
    {
      run: () => config.undeleteSecret({ ...org, slug: 'old' }),
      leaves: { 'ConfigManager/UndeleteSecret': ['config', 'secret.undelete'] },
    },
    {
      run: () => config.setVariable({ ...org, slug: 'region', value: 'us-west-2' }),
      leaves: { 'ConfigManager/SetVariable': ['config', 'variable.set'] },
    },
    {
      run: () =>
        config.resolveReferences({
          ...org,
          references: [{ target: { case: 'secret', value: { slug: 'key', key: 'value' } } }],
        }),
      leaves: { 'ConfigManager/ResolveReferences': ['config', 'secret.access'] },
    },
    {
      run: () => config.deleteVariable({ ...org, slug: 'region' }),
      leaves: { 'ConfigManager/DeleteVariable': ['config', 'variable.delete'] },
    },
    {
      run: () => config.rotateOrganizationKey(org),
      leaves: { 'ConfigManager/RotateOrganizationKey': ['config', 'organization_key.rotate'] },
    },

    {
      run: () => apply(awsManifest('main')),
      leaves: {
        'ConnectionService/ApplyConnection': ['connections', 'connection.create'],
        'ConfigManager/SetReferences': ['config', 'secret.use'],
      },
    },
    {
      run: () =>
        connections.setDefaultProviderConnection({
          ...org,
          default: {
            ...api,
            kind: 'DefaultProviderConnection',
            spec: { provider: 'aws', connection: 'main' },
          },
        }),
      leaves: { 'ConnectionService/SetDefaultProviderConnection': ['connections', 'default.set'] },
    },
    {
      run: () => connections.setOrganizationPolicy({ ...org, policy: { allowedRegions: ['us-west-2'] } }),
      leaves: { 'ConnectionService/SetOrganizationPolicy': ['connections', 'policy.set'] },
    },
    {
      run: () => connections.issueCredentials(org),
      leaves: {
        'ConnectionService/IssueCredentials': ['connections', 'credentials.issue'],
        'ConfigManager/ResolveOwnedReferences': ['config', 'secret.access'],
      },
    },
    {
      run: () => Array.fromAsync(connections.verifyConnection({ ...org, connection: 'main' })),
      leaves: {
        'ConnectionService/VerifyConnection': ['connections', 'connection.verify'],
        'RunnerService/RunConnectionOperation': ['runners', 'operation.execute'],
      },
    },
    {
      run: () => connections.deleteDefaultProviderConnection({ ...org, provider: 'aws' }),
      leaves: { 'ConnectionService/DeleteDefaultProviderConnection': ['connections', 'default.delete'] },
    },
    {
      run: () =>
        connections.setProviderConnectionAuthorization({
          ...org,
          authorization: {
            ...api,
            kind: 'ProviderConnectionAuthorization',
            spec: { provider: 'aws', connection: 'main', scope: AuthorizationScope.ORGANIZATION },
          },
        }),
      leaves: {
        'ConnectionService/SetProviderConnectionAuthorization': ['connections', 'authorization.set'],
      },
    },
    {
      run: () =>
        connections.deleteProviderConnectionAuthorization({ ...org, provider: 'aws', connection: 'main' }),
      leaves: {
        'ConnectionService/DeleteProviderConnectionAuthorization': ['connections', 'authorization.delete'],
      },
    },
    {
      run: () => rig.connect('trusted'),
      leaves: {
        'ConnectionService/InitiateAwsTrustSetup': ['connections', 'trust_setup.initiate'],
        'ConfigManager/MintOwnedSecret': ['config', 'secret.mint'],
        'ConfigManager/AccessOwnedSecret': ['config', 'secret.access'],
      },
    },
    {
      run: () => connections.deleteConnection({ ...org, connection: 'trusted' }),
      leaves: {
        'ConnectionService/DeleteConnection': ['connections', 'connection.delete'],
        'ConfigManager/RetireOwnedSecret': ['config', 'secret.retire'],
      },
    },

    {
      run: () => runners.registerRunner({ ...org, name: 'r' }),
      leaves: { 'RunnerService/RegisterRunner': ['runners', 'runner.register'] },
    },
    {
      run: async () => keep('token', (await runners.createRunnerToken({ ...org, runner: 'r' })).token?.uid),
      leaves: { 'RunnerService/CreateRunnerToken': ['runners', 'runner_token.create'] },
    },
    {
      run: () => runners.revokeRunnerToken({ ...org, tokenUid: uid('token') }),
      leaves: { 'RunnerService/RevokeRunnerToken': ['runners', 'runner_token.revoke'] },
    },
    {
      run: async () => recoverRunner(await enrolInstance(rig.platform, rig.owner, 'r')),
      leaves: {
        'RunnerService/EnrollRunner': ['runners', 'runner_instance.enrol'],
        'RunnerService/RecoverRunner': ['runners', 'runner_instance.recover'],
      },
    },
    {
      run: () => apply(runnerManifest('on-runner', 'r')),
      leaves: { 'RunnerService/SetRunnerReferences': ['runners', 'runner.use'] },
    },
    {
      run: async () => {
        const { operation } = await runners.executeOperation({
          ...org,
          runner: 'r',
          input: { kind: { case: 'ping', value: {} } },
          timeout: { seconds: 60n },
          detach: true,
        });
        keep('operation', operation?.uid);
      },
      leaves: { 'RunnerService/ExecuteOperation': ['runners', 'operation.execute'] },
    },
    {
      run: () => runners.cancelOperation({ ...org, operationUid: uid('operation') }),
      leaves: { 'RunnerService/CancelOperation': ['runners', 'operation.cancel'] },
    },
    {
      run: async () => {
        await createToken(rig.owner, 'other');
        await runners.revokeRunner({ ...org, runner: 'other' });
      },
      leaves: { 'RunnerService/RevokeRunner': ['runners', 'runner.revoke'] },
    },
    {
      run: () => runners.deleteRunner({ ...org, runner: 'other' }),
      leaves: { 'RunnerService/DeleteRunner': ['runners', 'runner.delete'] },
    },
  ];
}

const runnerManifest = (name: string, runner: string) => `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata:
  name: ${name}
spec:
  auth_mode: runner
  account_id: { value: "123456789012" }
  region: { value: us-west-2 }
  runner: ${runner}
`;

beforeAll(async () => {
  rig = await startTrustRig();
  await rig.platform.end('SIGTERM');
  const engine = await openEmbedded({ dataDir: rig.platform.dataDir });
  await sql`insert into identity.subject (uid, kind, name) values (${PERSON}, 'user', 'bob')`.execute(
    engine.kysely,
  );
  await sql`insert into identity.person (id, name, email, email_verified, create_time, update_time)
    values (${PERSON}, 'bob', 'bob@example.com', false, now(), now())`.execute(engine.kysely);
  await sql`insert into identity.member (organization_uid, subject_uid, role, limited)
    select uid, ${PERSON}, 'viewer', false from identity.organization where slug = ${org.org}`.execute(
    engine.kysely,
  );
  await engine.close();
  await rig.platform.start();
}, 120_000);
afterAll(() => rig?.stop());

const count = async (trail: Trail, action: string, slug: string) =>
  (await rig.owner[trail].listAuditRecords({ org: slug, action, pageSize: 1000 })).records.length;

async function countInInstance(trail: Trail, action: string): Promise<number> {
  const actions: (string | undefined)[] = [];
  for (let pageToken = ''; ; ) {
    const page = await rig.owner[trail].exportAuditTrail({ ...org, instance: true, pageToken });
    actions.push(...page.records.map(({ record }) => record?.action));
    pageToken = page.nextPageToken;
    if (pageToken === '') return actions.filter((each) => each === action).length;
  }
}

test('every RPC of the contract that writes or tells a secret is known here', () => {
  expect(audited.length).toBeGreaterThan(40);
  const known = [...steps().flatMap(({ leaves }) => Object.keys(leaves)), ...Object.keys(unrecorded)];
  expect(known.toSorted()).toEqual(audited.toSorted());
});

test('each leaves a record of who did it', async () => {
  for (const { run, leaves, newOrg, instance } of steps()) {
    const slug = newOrg ?? org.org;
    const counted = (trail: Trail, action: string) =>
      instance ? countInInstance(trail, action) : count(trail, action, slug);
    const expected = Object.entries(leaves);
    const before = newOrg
      ? []
      : await Promise.all(expected.map(([, [trail, action]]) => counted(trail, action)));
    await run().catch((error: unknown) => {
      throw new Error(`${Object.keys(leaves).join(', ')} failed: ${error}`, { cause: error });
    });
    for (const [index, [rpc, [trail, action]]] of expected.entries()) {
      await waitUntil(
        `the record of ${rpc}`,
        async () => (await counted(trail, action)) > (before[index] ?? 0),
        20_000,
      );
    }
  }
  const { records } = await rig.owner.connections.listAuditRecords({ ...org, pageSize: 1000 });
  expect(records.every(({ actorUid, requestId }) => actorUid !== '' && requestId !== '')).toBe(true);
}, 180_000);
