import { AuthMode } from '@planton/api/connect/v1/aws_provider_connection';
import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { awsConnection, awsOf, refusalOf, useTestService } from '../testing/use-test-service.ts';

const literal = (value: string) => ({ source: { case: 'value', value } }) as const;
const variable = (value: string) => ({ source: { case: 'variable', value } }) as const;

describe.each(engines)('applying connections on %s', (kind) => {
  const service = useTestService(kind);

  test('creates, changes nothing the second time, and updates', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const created = await admin.applyConnection({ org, connection: awsConnection('AWS Production') });
    expect(created.outcome).toBe(ApplyOutcome.CREATED);
    expect(awsOf(created.connection).metadata).toMatchObject({
      name: 'AWS Production',
      slug: 'aws-production',
      org,
      revision: 1,
      createdBy: 'ada',
    });
    expect(awsOf(created.connection).status?.authorizedIn).toEqual(['everywhere']);

    const again = await admin.applyConnection({ org, connection: awsConnection('AWS Production') });
    expect(again.outcome).toBe(ApplyOutcome.UNCHANGED);
    expect(awsOf(again.connection).metadata?.etag).toBe(awsOf(created.connection).metadata?.etag);

    const updated = await admin.applyConnection({
      org,
      connection: awsConnection({ name: 'AWS Production', labels: { team: 'core' } }),
    });
    expect(updated.outcome).toBe(ApplyOutcome.UPDATED);
    expect(awsOf(updated.connection).metadata).toMatchObject({ revision: 2, labels: { team: 'core' } });
  });

  test('what get returns can be applied and changes nothing', async () => {
    const { admin, slug: org } = await service().newOrganization();
    await admin.applyConnection({ org, connection: awsConnection('a') });
    await admin.setDefaultProviderConnection({
      org,
      default: {
        apiVersion: 'connect.planton.ai/v1',
        kind: 'DefaultProviderConnection',
        spec: { provider: 'aws', connection: 'a' },
      },
    });
    const { connection } = await admin.getConnection({ org, connection: 'a' });
    expect(awsOf(connection).status?.defaultFor).toEqual(['organization']);
    if (!connection) throw new Error('no connection');
    expect((await admin.applyConnection({ org, connection })).outcome).toBe(ApplyOutcome.UNCHANGED);
  });

  test('an absent auth_mode is stored as inline', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const { connection } = await admin.applyConnection({
      org,
      connection: awsConnection('a', { authMode: AuthMode.UNSPECIFIED }),
    });
    expect(awsOf(connection).spec?.authMode).toBe(AuthMode.INLINE);
  });

  test('a slug belongs to one name, unless the manifest gives the slug', async () => {
    const { admin, slug: org } = await service().newOrganization();
    await admin.applyConnection({ org, connection: awsConnection('AWS Production') });
    const taken = await refusalOf(
      admin.applyConnection({ org, connection: awsConnection('aws production') }),
    );
    expect(taken).toMatchObject({ kind: 'duplicate', reason: 'SLUG_TAKEN' });
    const renamed = await admin.applyConnection({
      org,
      connection: awsConnection({ name: 'Other', slug: 'aws-production' }),
    });
    expect(renamed.outcome).toBe(ApplyOutcome.UPDATED);
    expect(awsOf(renamed.connection).metadata).toMatchObject({ name: 'Other', slug: 'aws-production' });
  });

  test('a slug is taken by a connection of another provider too', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('a') });
    await service()
      .database.query.updateTable('connection')
      .set({ provider: 'gcp' })
      .where('organization_uid', '=', organization.uid)
      .execute();
    const taken = await refusalOf(admin.applyConnection({ org, connection: awsConnection('a') }));
    expect(taken).toMatchObject({ kind: 'duplicate', reason: 'SLUG_TAKEN' });
  });

  test('names everything that is missing in one error, and stores nothing', async () => {
    const { admin, slug: org, uid } = await service().newOrganization();
    const connection = awsConnection('a', {
      accessKeyId: { secret: 'no-id' },
      secretAccessKey: { secret: 'no-key', key: 'k' },
      accountId: variable('no-account'),
      runner: 'no-runner',
    });
    for (const validateOnly of [true, false]) {
      const error = await refusalOf(admin.applyConnection({ org, connection, validateOnly }));
      expect(error).toMatchObject({ kind: 'missing', reason: 'REFERENCES_NOT_FOUND' });
      expect(error.violations.map(({ field }) => field).sort()).toEqual([
        'spec.access_key_id',
        'spec.account_id',
        'spec.runner',
        'spec.secret_access_key',
      ]);
      for (const name of ['no-id', 'no-key', 'no-account', 'no-runner'])
        expect(error.message).toContain(name);
    }
    expect([...service().config.owners.values()].filter((owner) => owner.organizationUid === uid)).toEqual(
      [],
    );
  });

  const runnerMode = {
    authMode: AuthMode.RUNNER,
    runner: 'my-runner',
    accessKeyId: { secret: 'does-not-matter' },
  };

  test('in runner mode credentials are not even looked for, and the runner has to exist', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const error = await refusalOf(admin.applyConnection({ org, connection: awsConnection('a', runnerMode) }));
    expect(error.reason).toBe('REFERENCES_NOT_FOUND');
    expect(error.violations).toHaveLength(1);
    expect(error.message).toBe('spec.runner: runner "my-runner" does not exist');
    expect(error.hint).toBe('planton runner register --name my-runner');
  });

  test('a runner that exists is registered, and by its uid', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const { runners, config, database } = service();
    const runnerUid = runners.addRunner(org, 'my-runner');
    const { connection, warnings } = await admin.applyConnection({
      org,
      connection: awsConnection('a', runnerMode),
    });
    const { metadata, spec } = awsOf(connection);
    const uid = metadata?.uid ?? '';
    expect(warnings).toContain('spec.access_key_id was ignored: auth_mode runner does not use it');
    expect(spec).toMatchObject({ authMode: AuthMode.RUNNER, runner: 'my-runner' });
    expect(spec?.accessKeyId).toBeUndefined();
    expect(runners.owners.get(uid)).toMatchObject({ confirmed: true, references: new Set([runnerUid]) });
    expect(config.owners.has(uid)).toBe(false);
    const row = await database.query.selectFrom('connection').selectAll().where('uid', '=', uid).execute();
    expect(row).toMatchObject([{ runner_uid: runnerUid }]);
    const again = await admin.applyConnection({ org, connection: awsConnection('a', runnerMode) });
    expect(again.outcome).toBe(ApplyOutcome.UNCHANGED);
  });

  test('an inline connection may name a runner, change it and leave it out', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const { runners, config } = service();
    const uids = ['one', 'two'].map((slug) => runners.addRunner(org, slug));
    const used: (readonly string[])[] = [];
    let uid = '';
    for (const runner of ['one', 'two', '']) {
      const { connection } = await admin.applyConnection({ org, connection: awsConnection('a', { runner }) });
      uid = awsOf(connection).metadata?.uid ?? '';
      used.push([...(runners.owners.get(uid)?.references ?? [])]);
    }
    expect(used).toEqual([[uids[0]], [uids[1]], []]);
    expect(runners.owners.get(uid)?.confirmed).toBe(true);
    expect(config.owners.get(uid)?.references.size).toBe(2);
  });

  test('a revoked runner is refused, except to a connection that uses it already', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const { runners } = service();
    runners.addRunner(org, 'my-runner');
    await admin.applyConnection({ org, connection: awsConnection('a', runnerMode) });
    runners.runners.set(`${org}/my-runner`, {
      uid: runners.runners.get(`${org}/my-runner`)?.uid ?? '',
      revoked: true,
    });
    const error = await refusalOf(
      admin.applyConnection({ org, connection: awsConnection('b', { runner: 'my-runner' }) }),
    );
    expect(error).toMatchObject({ kind: 'state', reason: 'RUNNER_REVOKED' });
    expect(error.message).toBe('spec.runner: runner "my-runner" was revoked');
    expect(error.violations).toMatchObject([
      { field: 'spec.runner', message: 'runner "my-runner" was revoked' },
    ]);
    const relabelled = awsConnection({ name: 'a', labels: { team: 'x' } }, runnerMode);
    const { outcome } = await admin.applyConnection({ org, connection: relabelled });
    expect(outcome).toBe(ApplyOutcome.UPDATED);
  });

  test('what is missing in one service keeps the other from registering anything', async () => {
    const { admin, slug: org, uid } = await service().newOrganization();
    const { runners, config } = service();
    runners.addRunner(org, 'there');
    for (const spec of [{ runner: 'not-there' }, { runner: 'there', accessKeyId: { secret: 'not-there' } }]) {
      const error = await refusalOf(admin.applyConnection({ org, connection: awsConnection('a', spec) }));
      expect(error.reason).toBe('REFERENCES_NOT_FOUND');
    }
    const owners = [...runners.owners.values(), ...config.owners.values()];
    expect(owners.filter(({ organizationUid }) => organizationUid === uid)).toEqual([]);
  });

  test('with a runner, validate_only registers nothing either', async () => {
    const { admin, slug: org, uid } = await service().newOrganization();
    const { runners } = service();
    runners.addRunner(org, 'my-runner');
    const connection = awsConnection('a', { runner: 'my-runner' });
    await admin.applyConnection({ org, connection, validateOnly: true });
    expect([...runners.owners.values()].some((owner) => owner.organizationUid === uid)).toBe(false);
  });

  test('trust needs the set-up, and its external ID cannot be chosen', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const trust = {
      authMode: AuthMode.CROSS_ACCOUNT_TRUST,
      iamRoleArn: 'arn:aws:iam::123456789012:role/planton',
    };
    const setup = await refusalOf(admin.applyConnection({ org, connection: awsConnection('a', trust) }));
    expect(setup).toMatchObject({ kind: 'state', reason: 'TRUST_SETUP_REQUIRED' });
    const chosen = await refusalOf(
      admin.applyConnection({
        org,
        connection: awsConnection('a', { ...trust, externalId: { secret: 'aws-access-key-id' } }),
      }),
    );
    expect(chosen).toMatchObject({ kind: 'invalid', reason: 'SERVER_OWNED_FIELD' });
  });

  test.each([
    ['an account of 11 digits', { accountId: literal('12345678901') }, 'spec.account_id.value'],
    ['an unknown region', { region: literal('us-west-9') }, 'spec.region.value'],
    ['a variable with a wrong account', { accountId: variable('account') }, 'spec.account_id.variable'],
  ])('refuses %s', async (_, spec, field) => {
    const { admin, slug: org } = await service().newOrganization();
    service().config.variables.set(`${org}/account`, 'not-an-account');
    const error = await refusalOf(admin.applyConnection({ org, connection: awsConnection('a', spec) }));
    expect(error).toMatchObject({ kind: 'invalid', reason: 'SPEC_INVALID' });
    expect(error.violations[0]?.field).toBe(field);
  });

  test('suggests the region that was meant', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const error = await refusalOf(
      admin.applyConnection({ org, connection: awsConnection('a', { region: literal('us-west2') }) }),
    );
    expect(error.message).toContain('did you mean us-west-2');
  });

  test('a stale etag is refused, also for a connection made again', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const first = await admin.applyConnection({ org, connection: awsConnection('a') });
    const etag = awsOf(first.connection).metadata?.etag ?? '';
    const relabelled = (team: string) => awsConnection({ name: 'a', labels: { team } });
    await admin.applyConnection({ org, connection: relabelled('x'), etag });
    const error = await refusalOf(admin.applyConnection({ org, connection: relabelled('y'), etag }));
    expect(error).toMatchObject({ kind: 'stale', reason: 'STALE_ETAG' });

    await admin.deleteConnection({ org, connection: 'a' });
    const gone = await refusalOf(admin.applyConnection({ org, connection: relabelled('y'), etag }));
    expect(gone.reason).toBe('STALE_ETAG');
    await admin.applyConnection({ org, connection: awsConnection('a') });
    const remade = await refusalOf(admin.applyConnection({ org, connection: relabelled('y'), etag }));
    expect(remade.reason).toBe('STALE_ETAG');
  });

  test('validate_only changes nothing and registers nothing', async () => {
    const { admin, slug: org, uid } = await service().newOrganization();
    const answer = await admin.applyConnection({ org, connection: awsConnection('a'), validateOnly: true });
    expect(answer.outcome).toBe(ApplyOutcome.CREATED);
    expect(awsOf(answer.connection).metadata).toMatchObject({ slug: 'a', revision: 0 });
    expect((await admin.listConnections({ org })).connections).toEqual([]);
    expect([...service().config.owners.values()].some((owner) => owner.organizationUid === uid)).toBe(false);
  });

  test('a role that may not use the secret is refused by config-manager', async () => {
    const organization = await service().newOrganization();
    const { slug: org, admin } = organization;
    const developer = await organization.as('developer');
    const error = await refusalOf(developer.applyConnection({ org, connection: awsConnection('a') }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'PERMISSION_DENIED' });
    expect((await admin.listConnections({ org })).connections).toEqual([]);
  });

  test('a role that covers one environment does not write connections', async () => {
    const organization = await service().newOrganization();
    const { slug: org } = organization;
    const limited = await organization.as('admin', { environments: [organization.production] });
    const error = await refusalOf(limited.applyConnection({ org, connection: awsConnection('a') }));
    expect(error).toMatchObject({ kind: 'denied', reason: 'ENVIRONMENT_NOT_COVERED' });
  });

  test.each([
    ['another organisation', { name: 'a', org: 'someone-else' }, 'ORGANIZATION_MISMATCH'],
    ['no name at all', {}, 'NAME_REQUIRED'],
    ['a name without letters', { name: '☃☃' }, 'NAME_REQUIRED'],
  ])('refuses %s', async (_, metadata, reason) => {
    const { admin, slug: org } = await service().newOrganization();
    const error = await refusalOf(admin.applyConnection({ org, connection: awsConnection(metadata) }));
    expect(error).toMatchObject({ kind: 'invalid', reason });
  });

  test('stores hostile text as it is', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const name = `x'; drop table connection; -- "\\ %s ☃ {{}}`;
    await admin.applyConnection({
      org,
      connection: awsConnection({ name, annotations: { "'; --": '\u2028<script>' } }),
    });
    const { connection } = await admin.getConnection({ org, connection: name });
    expect(awsOf(connection).metadata).toMatchObject({ name, annotations: { "'; --": '\u2028<script>' } });
  });

  test.each([
    ['name', awsConnection('a\0b')],
    ['label', awsConnection({ name: 'a', labels: { a: '\0' } })],
    ['annotation', awsConnection({ name: 'a', annotations: { '\0': 'a' } })],
  ])('refuses a NUL in a %s, which the database cannot hold', async (_, connection) => {
    const { admin, slug: org } = await service().newOrganization();
    const error = await refusalOf(admin.applyConnection({ org, connection }));
    expect(error).toMatchObject({ kind: 'invalid', reason: 'VALIDATION_FAILED' });
  });

  test('20 at once leave one state, every change with its own revision, and exactly its references', async () => {
    const { admin, slug: org, uid } = await service().newOrganization();
    const slugs = Array.from({ length: 20 }, (_, index) => `key-${index}`);
    for (const slug of slugs) service().config.secrets.set(`${org}/${slug}`, { value: 'x' });
    const answers = await Promise.all(
      slugs.map((secret) =>
        admin.applyConnection({ org, connection: awsConnection('a', { accessKeyId: { secret } }) }),
      ),
    );
    expect(answers.filter(({ outcome }) => outcome === ApplyOutcome.CREATED)).toHaveLength(1);
    const { revisions } = await admin.listConnectionRevisions({ org, connection: 'a' });
    expect(revisions.map(({ revision }) => revision)).toEqual(Array.from({ length: 20 }, (_, i) => 20 - i));
    const { connection } = await admin.getConnection({ org, connection: 'a' });
    const { spec, metadata } = awsOf(connection);
    const owner = service().config.owners.get(metadata?.uid ?? '');
    expect(owner?.confirmed).toBe(true);
    expect([...(owner?.references ?? [])].sort()).toEqual(
      [`secret/${spec?.accessKeyId?.secret}/value`, 'secret/aws-secret-access-key/value'].sort(),
    );
    const others = [...service().config.owners.values()].filter((each) => each.organizationUid === uid);
    expect(others.filter((each) => each.confirmed && each.references.size > 0)).toHaveLength(1);
  });

  test('of several with the same etag one wins', async () => {
    const { admin, slug: org } = await service().newOrganization();
    const { connection } = await admin.applyConnection({ org, connection: awsConnection('a') });
    const etag = awsOf(connection).metadata?.etag ?? '';
    const outcomes = await Promise.allSettled(
      ['x', 'y', 'z'].map((team) =>
        admin.applyConnection({ org, etag, connection: awsConnection({ name: 'a', labels: { team } }) }),
      ),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });
});
