import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { ConnectionSource } from '@planton/api/connect/v1/resolution';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import {
  authorizationOf,
  awsConnection,
  defaultOf,
  refusalOf,
  useTestService,
} from '../testing/use-test-service.ts';

const environment = 'production';

describe.each(engines)('resolving connections on %s', (kind) => {
  const service = useTestService(kind);

  async function organizationWithThree() {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    for (const name of ['one', 'two', 'three']) {
      await admin.applyConnection({ org, connection: awsConnection(name) });
    }
    await admin.setDefaultProviderConnection({ org, default: defaultOf('one') });
    await admin.setDefaultProviderConnection({ org, default: defaultOf('two', environment) });
    return organization;
  }

  test('explicit wins over the environment, the environment over the organisation', async () => {
    const { admin, slug: org } = await organizationWithThree();
    const explicit = await admin.resolveConnection({
      org,
      provider: 'aws',
      environment,
      connection: 'three',
    });
    expect(explicit).toMatchObject({ connection: 'three', source: ConnectionSource.EXPLICIT, revision: 1 });
    expect(explicit.decision.map(({ level, outcome, connection }) => [level, outcome, connection])).toEqual([
      ['explicit', 'selected', 'three'],
      ['environment', 'shadowed', 'two'],
      ['organization', 'shadowed', 'one'],
      ['authorization', 'allowed', ''],
    ]);
    expect(await admin.resolveConnection({ org, provider: 'aws', environment })).toMatchObject({
      connection: 'two',
      source: ConnectionSource.ENVIRONMENT,
    });
    expect(await admin.resolveConnection({ org, provider: 'aws' })).toMatchObject({
      connection: 'one',
      source: ConnectionSource.ORGANIZATION,
    });
  });

  test('the provider may be left out while only one has connections', async () => {
    const organization = await organizationWithThree();
    const { admin, slug: org, uid } = organization;
    expect((await admin.resolveConnection({ org })).provider).toBe('aws');
    await service()
      .database.query.updateTable('connection')
      .set({ provider: 'gcp' })
      .where('organization_uid', '=', uid)
      .where('slug', '=', 'three')
      .execute();
    expect((await refusalOf(admin.resolveConnection({ org }))).reason).toBe('PROVIDER_REQUIRED');
    expect((await admin.resolveConnection({ org, connection: 'three' })).provider).toBe('gcp');
    const mismatch = await refusalOf(admin.resolveConnection({ org, provider: 'aws', connection: 'three' }));
    expect(mismatch.reason).toBe('CONNECTION_PROVIDER_MISMATCH');
  });

  test('a refusal carries the decision, level by level', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const error = await refusalOf(admin.resolveConnection({ org, provider: 'aws', environment }));
    expect(error).toMatchObject({ kind: 'missing', reason: 'DEFAULT_NOT_SET' });
    expect(error.violations.map(({ field }) => field)).toEqual([
      'explicit',
      'environment',
      'organization',
      'authorization',
    ]);
  });

  test('leaving the environment out does not get around an authorisation', async () => {
    const organization = await organizationWithThree();
    const { admin, slug: org } = organization;
    organization.addEnvironment('staging');
    await admin.setProviderConnectionAuthorization({
      org,
      authorization: authorizationOf('three', AuthorizationScope.ENVIRONMENT, [environment]),
    });
    const asked = { org, provider: 'aws', connection: 'three' };
    expect((await admin.resolveConnection({ ...asked, environment })).connection).toBe('three');
    for (const elsewhere of ['', 'staging']) {
      for (const call of [admin.resolveConnection, admin.issueCredentials]) {
        const error = await refusalOf(call({ ...asked, environment: elsewhere }));
        expect(error).toMatchObject({ kind: 'state', reason: 'CONNECTION_NOT_AUTHORIZED' });
      }
    }
  });

  test('an environment made again under its slug inherits neither default nor authorisation', async () => {
    const organization = await organizationWithThree();
    const { admin, slug: org } = organization;
    await admin.setProviderConnectionAuthorization({
      org,
      authorization: authorizationOf('three', AuthorizationScope.ENVIRONMENT, [environment]),
    });
    await organization.removeEnvironment(environment);
    organization.addEnvironment(environment);
    expect((await admin.resolveConnection({ org, provider: 'aws', environment })).connection).toBe('one');
    const error = await refusalOf(admin.resolveConnection({ org, environment, connection: 'three' }));
    expect(error.reason).toBe('CONNECTION_NOT_AUTHORIZED');
  });

  test('only environments that the role covers can be named', async () => {
    const organization = await organizationWithThree();
    const { slug: org } = organization;
    const staging = organization.addEnvironment('staging');
    const limited = await organization.as('deployer', { environments: [staging] });
    const error = await refusalOf(limited.resolveConnection({ org, provider: 'aws', environment }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'ENVIRONMENT_NOT_COVERED' });
    expect((await limited.resolveConnection({ org, environment: 'staging' })).connection).toBe('one');
  });

  test('whatever shares a statement, no answer is older than its request', async () => {
    const { admin, slug: org } = await organizationWithThree();
    const answers: Promise<void>[] = [];
    for (let change = 1; change <= 15; change++) {
      const connection = awsConnection({ name: 'one', labels: { change: String(change) } });
      await admin.applyConnection({ org, connection });
      for (let asked = 0; asked < 10; asked++) {
        answers.push(
          admin.resolveConnection({ org }).then(({ revision }) => {
            expect(revision).toBeGreaterThanOrEqual(change + 1);
          }),
        );
      }
    }
    await Promise.all(answers);
    expect(await admin.resolveConnection({ org })).toMatchObject({ connection: 'one', revision: 16 });
  });

  test('a NUL is refused before the database sees it', async () => {
    const { admin, slug: org } = await service().newOrganization();
    for (const asked of [{ connection: '\0' }, { provider: '\0' }, { environment: '\0' }]) {
      for (const call of [admin.resolveConnection, admin.issueCredentials]) {
        expect((await refusalOf(call({ org, ...asked }))).reason).toBe('VALIDATION_FAILED');
      }
    }
  });

  test.each(["x' or '1'='1", '%', '\\', '☃', 'a'.repeat(100), '$1'])(
    'hostile names find nothing: %j',
    async (connection) => {
      const { admin, slug: org } = await organizationWithThree();
      const error = await refusalOf(
        admin.resolveConnection({ org, connection, provider: connection.slice(0, 63) }),
      );
      expect(error).toMatchObject({ kind: 'missing', reason: 'CONNECTION_NOT_FOUND' });
    },
  );
});
