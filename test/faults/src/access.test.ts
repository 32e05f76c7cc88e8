import { Code, ConnectError } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { Role } from '@planton/api/identity/v1/organization';
import { createPlanton, type Planton } from '@planton/client';
import { type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { awsManifest } from './manifest.ts';

const org = { org: 'acme' };
let platform: Platform;
let owner: Planton;

const apply = (input: string) => platform.cli(['apply', '-f', '-'], { input });
const clientOf = (apiKey: string) => createPlanton({ server: platform.url, apiKey });
const keyFor = async (name: string, role: Role, environments: string[] = []) =>
  (await owner.identity.createApiKey({ ...org, name, role, environments })).key;
const refusal = async (call: Promise<unknown>) => {
  const error = await call.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(ConnectError);
  const info = (error as ConnectError).findDetails(ErrorInfoSchema)[0];
  return {
    code: (error as ConnectError).code,
    reason: info?.reason,
    message: (error as ConnectError).rawMessage,
  };
};

beforeAll(async () => {
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  await platform.planton('env', 'create', 'production');
  await platform.planton('env', 'create', 'staging');
  await platform.planton('secret', 'set', 'key-id', 'value=AKIAIOSFODNN7EXAMPLE');
  await platform.planton('secret', 'set', 'key', 'value=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
  const { code, stderr } = await apply(awsManifest('main'));
  if (code !== 0) throw new Error(stderr);
  owner = clientOf(platform.ownerKey());
}, 90_000);
afterAll(() => platform?.stop());

describe('secrets are not laundered through connections', () => {
  test('who may not use a secret cannot make a connection on it', async () => {
    const developer = clientOf(await keyFor('developer', Role.DEVELOPER));
    const { connection } = await owner.connections.getConnection({ ...org, connection: 'main' });
    const aws = connection?.kind.value;
    if (!connection || !aws?.metadata) throw new Error('the connection is not there');
    aws.metadata.name = 'laundry';
    aws.metadata.slug = 'laundry';
    const { code, message } = await refusal(developer.connections.applyConnection({ ...org, connection }));
    expect(code).toBe(Code.PermissionDenied);
    expect(message).toMatch(/key-id/);
    expect((await refusal(owner.connections.getConnection({ ...org, connection: 'laundry' }))).code).toBe(
      Code.NotFound,
    );
    expect((await refusal(developer.config.accessSecret({ ...org, slug: 'key' }))).code).toBe(
      Code.PermissionDenied,
    );
  });

  test('a deployer is given credentials and cannot read the secret itself', async () => {
    const deployer = clientOf(await keyFor('deployer', Role.DEPLOYER));
    const { credentials } = await deployer.connections.issueCredentials({
      ...org,
      connection: 'main',
      purpose: 'deploy',
    });
    expect(credentials.value?.accessKeyId).toBe('AKIAIOSFODNN7EXAMPLE');
    expect((await refusal(deployer.config.accessSecret({ ...org, slug: 'key' }))).code).toBe(
      Code.PermissionDenied,
    );
    const references = [{ target: { case: 'secret' as const, value: { slug: 'key', key: 'value' } } }];
    expect((await refusal(deployer.config.resolveReferences({ ...org, references }))).code).toBe(
      Code.PermissionDenied,
    );
  });

  test('what was issued is on record, with the purpose and without a value', async () => {
    const { records } = await owner.connections.listAuditRecords({ ...org, action: 'credentials.issue' });
    expect(records[0]).toMatchObject({
      purpose: 'deploy',
      resourceSlug: 'main',
      actorName: expect.stringContaining('deployer'),
    });
    const reads = await owner.config.listAuditRecords({ ...org, resourceSlug: 'key' });
    expect(reads.records.some(({ viaService }) => viaService === 'connection-service')).toBe(true);
  });
});

describe('an authorisation', () => {
  test('cannot be dodged by leaving the environment out', async () => {
    const authorize = ['connection', 'authorization', 'set', '--provider', 'aws', '--connection', 'main'];
    await platform.planton(...authorize, '--scope', 'environment', '--environments', 'production');
    const resolve = (...args: string[]) =>
      platform.cli(['connection', 'resolve', '--connection', 'main', ...args]);
    expect((await resolve('--env', 'production')).code).toBe(0);
    for (const args of [[], ['--env', 'staging']]) {
      const { code, stderr } = await resolve(...args);
      expect(code).toBe(5);
      expect(stderr).toMatch(/^error: .*environment[\s\S]*^hint: planton /m);
    }
    const denied = await refusal(owner.connections.issueCredentials({ ...org, connection: 'main' }));
    expect(denied).toMatchObject({ code: Code.FailedPrecondition, reason: 'CONNECTION_NOT_AUTHORIZED' });
    const limited = clientOf(await keyFor('staging-only', Role.DEPLOYER, ['staging']));
    const dodge = await refusal(
      limited.connections.issueCredentials({ ...org, connection: 'main', environment: 'production' }),
    );
    expect(dodge.code).toBe(Code.PermissionDenied);
    await platform.planton(
      'connection',
      'authorization',
      'delete',
      '--provider',
      'aws',
      '--connection',
      'main',
    );
  });
});

describe('what is deleted and made again inherits nothing', () => {
  test('an environment', async () => {
    await platform.planton('env', 'create', 'short-lived');
    await platform.planton(
      'connection',
      'default',
      'set',
      '--provider',
      'aws',
      '--connection',
      'main',
      '--env',
      'short-lived',
    );
    await platform.planton('secret', 'set', 'scoped', 'value=old', '--env', 'short-lived');
    await platform.planton(
      'service-account',
      'create',
      'visitor',
      '--role',
      'viewer',
      '--environments',
      'short-lived',
    );
    const deleted = await platform.cli(['env', 'delete', 'short-lived']);
    expect(deleted.code).toBe(0);
    for (const binding of ['default aws: main', 'secret scoped', 'member visitor: covers no environment'])
      expect(deleted.stderr).toContain(binding);
    await platform.planton('env', 'create', 'short-lived');
    expect(await platform.planton('member', 'list')).toMatch(/visitor .* none/);
    expect((await platform.cli(['secret', 'get', 'scoped', '--env', 'short-lived'])).code).toBe(3);
    expect(await platform.planton('connection', 'default', 'list')).not.toContain('short-lived');
  });

  test('a secret in use is not deleted at all', async () => {
    const { code, stderr } = await platform.cli(['secret', 'delete', 'key']);
    expect(code).toBe(5);
    expect(stderr).toContain('main');
  });

  test('a connection', async () => {
    await apply(awsManifest('phoenix'));
    const before = await owner.connections.getConnection({ ...org, connection: 'phoenix' });
    const authorization = [
      'connection',
      'authorization',
      'set',
      '--provider',
      'aws',
      '--connection',
      'phoenix',
    ];
    await platform.planton(...authorization, '--scope', 'environment', '--environments', '');
    expect((await platform.cli(['delete', 'aws', 'phoenix'])).code).toBe(5);
    await platform.planton(
      'connection',
      'authorization',
      'delete',
      '--provider',
      'aws',
      '--connection',
      'phoenix',
    );
    await platform.planton('delete', 'aws', 'phoenix');
    await apply(awsManifest('phoenix'));
    const after = await owner.connections.getConnection({ ...org, connection: 'phoenix' });
    expect(after.connection?.kind.value?.metadata?.uid).not.toBe(
      before.connection?.kind.value?.metadata?.uid,
    );
    expect(after.connection?.kind.value?.status?.authorizedIn).toEqual(['everywhere']);
  });
});

describe('keys', () => {
  test('a service account that is deleted takes its keys with it', async () => {
    await platform.planton('service-account', 'create', 'robot', '--role', 'deployer');
    const key = await platform.planton('api-key', 'create', '--name', 'blue', '--service-account', 'robot');
    const client = clientOf(key.trim());
    expect((await client.identity.whoAmI({})).name).toBe('robot');
    expect(await platform.planton('api-key', 'list')).toMatch(/blue .*robot .*deployer/);
    await platform.planton('service-account', 'delete', 'robot');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await refusal(client.connections.listConnections(org))).code).toBe(Code.Unauthenticated);
    expect(await platform.planton('api-key', 'list')).not.toContain('blue');
  });

  test('a revoked key is refused within a second', async () => {
    const key = await keyFor('short', Role.VIEWER);
    const client = clientOf(key);
    await client.connections.listConnections(org);
    await owner.identity.revokeApiKey({ ...org, apiKey: 'short' });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await refusal(client.connections.listConnections(org))).code).toBe(Code.Unauthenticated);
  });

  test('a removed service account is refused within a second, everywhere', async () => {
    const client = clientOf(await keyFor('leaver', Role.ADMIN));
    await client.config.listSecrets(org);
    await owner.identity.deleteServiceAccount({ ...org, slug: 'leaver' });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    for (const call of [
      client.config.listSecrets(org),
      client.connections.listConnections(org),
      client.identity.whoAmI({}),
    ]) {
      expect((await refusal(call)).code).toBe(Code.Unauthenticated);
    }
  });

  test('another organisation is indistinguishable from one that does not exist', async () => {
    await owner.identity.createOrganization({ slug: 'globex' });
    const client = clientOf(await keyFor('insider', Role.ADMIN));
    const strip = ({ code, reason, message }: Awaited<ReturnType<typeof refusal>>, name: string) => ({
      code,
      reason,
      message: message.replaceAll(name, '…'),
    });
    const there = strip(await refusal(client.config.listSecrets({ org: 'globex' })), 'globex');
    const nowhere = strip(await refusal(client.config.listSecrets({ org: 'nowhere' })), 'nowhere');
    expect(there).toEqual(nowhere);
    expect(there.code).toBe(Code.NotFound);
  });
});
