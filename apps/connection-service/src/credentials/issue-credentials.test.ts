import { AuditOutcome } from '@planton/api/common/v1/audit';
import { AuthMode } from '@planton/api/connect/v1/aws_provider_connection';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import {
  awsConnection,
  defaultOf,
  KEY_ID,
  refusalOf,
  SECRET_KEY,
  useTestService,
} from '../testing/use-test-service.ts';

describe.each(engines)('issuing credentials on %s', (kind) => {
  const service = useTestService(kind);

  async function connected(spec = {}) {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    service().config.variables.set(`${org}/region`, 'eu-west-1');
    await admin.applyConnection({ org, connection: awsConnection('a', spec) });
    await admin.setDefaultProviderConnection({ org, default: defaultOf('a') });
    return organization;
  }

  test('of an inline connection returns its key, on record', async () => {
    const organization = await connected({ region: { source: { case: 'variable', value: 'region' } } });
    const { slug: org, admin } = organization;
    const deployer = await organization.as('deployer', { name: 'ci', uid: 'ci-uid' });
    const before = service().config.calls.length;
    const answer = await deployer.issueCredentials({ org, environment: 'production', purpose: 'deploy 42' });
    expect(service().config.calls.slice(before)).toEqual(['resolve']);
    expect(answer.credentials).toMatchObject({
      case: 'aws',
      value: {
        accessKeyId: KEY_ID,
        secretAccessKey: SECRET_KEY,
        sessionToken: '',
        accountId: '123456789012',
        region: 'eu-west-1',
      },
    });
    const { records } = await admin.listAuditRecords({ org, action: 'credentials.issue' });
    expect(records).toMatchObject([
      {
        actorUid: 'ci-uid',
        actorName: 'ci',
        resourceSlug: 'a',
        environment: 'production',
        purpose: 'deploy 42',
        version: 1,
        outcome: AuditOutcome.SUCCEEDED,
        details: { source: 'organization' },
      },
    ]);
  });

  test('reads the variable anew, and refuses what it became', async () => {
    const { admin, slug: org } = await connected({
      region: { source: { case: 'variable', value: 'region' } },
    });
    service().config.variables.set(`${org}/region`, 'moon-1');
    const error = await refusalOf(admin.issueCredentials({ org }));
    expect(error).toMatchObject({ kind: 'state', reason: 'CREDENTIALS_MALFORMED' });
    expect(error.message).toContain('spec.region.variable: variable "region" holds "moon-1"');
  });

  test('names field, secret and entry of a malformed value, and never the value', async () => {
    const { admin, slug: org } = await connected();
    const canary = 'AKIAcanary-short';
    service().config.secrets.set(`${org}/aws-access-key-id`, { value: canary });
    service().config.secrets.set(`${org}/aws-secret-access-key`, { value: `${canary}!` });
    const error = await refusalOf(admin.issueCredentials({ org }));
    expect(error).toMatchObject({ kind: 'state', reason: 'CREDENTIALS_MALFORMED' });
    expect(error.message).toContain(
      'spec.access_key_id: secret "aws-access-key-id" entry "value" is 16 characters',
    );
    expect(error.message).toContain('spec.secret_access_key: secret "aws-secret-access-key" entry "value"');
    const { records } = await admin.listAuditRecords({ org, action: 'credentials.issue' });
    expect(records[0]).toMatchObject({
      outcome: AuditOutcome.FAILED,
      details: { reason: 'CREDENTIALS_MALFORMED' },
    });
    const rows = await service().database.query.selectFrom('audit_record').selectAll().execute();
    const everything = JSON.stringify([error.message, error.violations, error.metadata, rows, service().log]);
    expect(everything).not.toContain(canary);
  });

  test('names the secret that has lost its entry', async () => {
    const { admin, slug: org } = await connected();
    service().config.secrets.set(`${org}/aws-access-key-id`, { other: 'x' });
    const error = await refusalOf(admin.issueCredentials({ org }));
    expect(error).toMatchObject({ kind: 'state', reason: 'CREDENTIALS_MISSING' });
    expect(error.message).toContain('spec.access_key_id: secret "aws-access-key-id" does not exist');
  });

  test('of an inline connection can be neither scoped down nor given an end', async () => {
    const { admin, slug: org } = await connected();
    for (const asked of [{ sessionPolicy: '{}' }, { duration: { seconds: 900n } }]) {
      const error = await refusalOf(admin.issueCredentials({ org, ...asked }));
      expect(error).toMatchObject({ kind: 'invalid', reason: 'INLINE_CREDENTIALS_FIXED' });
    }
  });

  test('of a connection through a runner stay there, and the error says so', async () => {
    const { admin, slug: org } = await service().newOrganization();
    service().runners.addRunner(org, 'my-runner');
    const spec = { authMode: AuthMode.RUNNER, runner: 'my-runner' };
    await admin.applyConnection({ org, connection: awsConnection('a', spec) });
    const error = await refusalOf(admin.issueCredentials({ org, connection: 'a' }));
    expect(error).toMatchObject({
      kind: 'state',
      reason: 'AUTH_MODE_NOT_AVAILABLE',
      metadata: { connection: 'a', auth_mode: 'runner' },
    });
    expect(error.message).toContain('its credentials never leave the runner');
    expect(error.hint).toContain('inline and cross_account_trust');
    expect(error.hint).toContain('planton connection verify a');
  });

  test('no audit record, no credentials', async () => {
    const organization = await connected();
    const { deps, config } = service();
    const audit = {
      record: async () => {
        throw new Error('the disk is full');
      },
    };
    const client = await service().clientWith({ ...deps, audit }, organization);
    const before = config.calls.length;
    const error = await refusalOf(client.issueCredentials({ org: organization.slug }));
    expect(error).toMatchObject({ kind: 'internal' });
    expect(config.calls.slice(before)).toEqual(['resolve']);
  });

  test('refusals are recorded too', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    const limited = await organization.as('deployer', { environments: [organization.production] });
    expect((await refusalOf(limited.issueCredentials({ org }))).reason).toBe('ENVIRONMENT_NOT_COVERED');
    expect((await refusalOf(admin.issueCredentials({ org, connection: 'nope' }))).reason).toBe(
      'CONNECTION_NOT_FOUND',
    );
    const { records } = await admin.listAuditRecords({ org, action: 'credentials.issue' });
    expect(records.map(({ outcome, resourceSlug }) => [outcome, resourceSlug])).toEqual([
      [AuditOutcome.FAILED, 'nope'],
      [AuditOutcome.DENIED, ''],
    ]);
  });

  test('a viewer is given none', async () => {
    const organization = await connected();
    const viewer = await organization.as('viewer');
    const error = await refusalOf(viewer.issueCredentials({ org: organization.slug }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'PERMISSION_DENIED' });
  });
});
