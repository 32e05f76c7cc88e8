import { AuthMode } from '@planton/api/connect/v1/aws_provider_connection';
import { AwsTrustSetupState, AwsTrustSetupWait } from '@planton/api/connect/v1/aws_trust_setup';
import { ApplyOutcome, AwsTrustCallback } from '@planton/api/connect/v1/connection_service';
import { VerificationOutcome } from '@planton/api/connect/v1/connection_status';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { ACCOUNT, useSetups } from '../testing/use-setups.ts';
import { awsConnection, refusalOf } from '../testing/use-test-service.ts';
import { defaultSetupPace } from './pace.ts';

const literal = (value: string) => ({ source: { case: 'value', value } }) as const;
const variable = (value: string) => ({ source: { case: 'variable', value } }) as const;
const { PENDING, VERIFYING, COMPLETED, FAILED, EXPIRED } = AwsTrustSetupState;

describe.each(engines)('set-ups of cross-account trust on %s', (kind) => {
  const trust = useSetups(kind);
  const { service, initiate, createStack, callBack, advance, age, read, completed, connectionOf } = trust;

  test('mint an external ID, name a role that is new, and fill in the link', async () => {
    const organization = await service().newOrganization();
    const { setup, role, quickCreateUrl, parameters, templateUrl } = await initiate(organization);
    expect(setup).toMatchObject({
      connection: 'prod-aws',
      accountId: ACCOUNT,
      state: PENDING,
      wait: AwsTrustSetupWait.CALLBACK,
      callsBack: true,
      externalIdSecret: 'prod-aws-external-id',
      roleArn: expect.stringMatching(/^arn:aws:iam::123456789012:role\/PlantonConnect-prod-aws-[0-9a-f]{8}$/),
    });
    expect(setup?.capabilities).toHaveLength(10);
    expect(role?.externalId).toMatch(/^[0-9a-f]{64}$/);
    expect(quickCreateUrl).toContain(
      'https://console.aws.amazon.com/cloudformation/home?region=us-west-2#/stacks/quickcreate?',
    );
    expect(quickCreateUrl).toContain(`param_ExternalId=${role?.externalId}`);
    expect(quickCreateUrl).toContain(`templateURL=${encodeURIComponent(templateUrl)}`);
    expect(parameters).toMatchObject({
      RoleName: setup?.roleName,
      ExternalId: role?.externalId,
      EnableEks: 'true',
    });
    expect(JSON.stringify(parameters)).not.toContain('CallbackToken');
    const token = /param_CallbackToken=([^&]+)/.exec(quickCreateUrl)?.[1] ?? '';
    expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(service().log.join('\n')).not.toContain(token);
    expect(service().log.join('\n')).not.toContain(role?.externalId);
    const other = await initiate(organization, { name: 'other' });
    expect(other.role?.externalId).not.toBe(role?.externalId);
  });

  test('complete without a callback: the role works, its stack is complete, and it keeps others out', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization, { callback: AwsTrustCallback.NEVER });
    expect(begun.setup).toMatchObject({ callsBack: false, wait: AwsTrustSetupWait.ROLE });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: PENDING, attempts: 1 });
    const stack = createStack(begun, 'CREATE_IN_PROGRESS');
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: VERIFYING,
      wait: AwsTrustSetupWait.STACK,
      stackId: stack.id,
    });
    stack.status = 'CREATE_COMPLETE';
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED, causes: [] });
    expect(trust.aws().asked.map(({ probe }) => probe)).toEqual([false, false, false, true]);

    const connection = await connectionOf(organization);
    expect(connection.metadata).toMatchObject({
      uid: begun.setup?.connectionUid,
      revision: 1,
      createdBy: 'ada',
    });
    expect(connection.spec).toMatchObject({
      authMode: AuthMode.CROSS_ACCOUNT_TRUST,
      iamRoleArn: begun.setup?.roleArn,
      externalId: { secret: 'prod-aws-external-id' },
      cloudFormationStackId: stack.id,
    });
    expect(connection.status?.verification).toMatchObject({
      outcome: VerificationOutcome.VERIFIED,
      revision: 1,
      probeTime: expect.anything(),
    });
    expect(await trust.auditOf(organization)).toMatchObject([
      { action: 'connection.create' },
      { action: 'trust_setup.complete', details: { initiated_by: 'ada' } },
      { action: 'trust_setup.initiate' },
    ]);
  });

  test('get | apply changes nothing, and the external ID cannot be set or borrowed', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await completed(organization);
    const { connection } = await admin.getConnection({ org, connection: 'prod-aws' });
    if (!connection) throw new Error('no connection');
    expect((await admin.applyConnection({ org, connection })).outcome).toBe(ApplyOutcome.UNCHANGED);

    const secret = { secret: 'prod-aws-external-id' };
    const borrowed = admin.applyConnection({
      org,
      connection: awsConnection('thief', { accessKeyId: secret }),
    });
    expect(await refusalOf(borrowed)).toMatchObject({ kind: 'state', reason: 'SECRET_SERVER_OWNED' });
    const trusted = { authMode: AuthMode.CROSS_ACCOUNT_TRUST, iamRoleArn: `arn:aws:iam::${ACCOUNT}:role/a` };
    const made = admin.applyConnection({
      org,
      connection: awsConnection('thief', { ...trusted, externalId: secret }),
    });
    expect(await refusalOf(made)).toMatchObject({ kind: 'invalid', reason: 'SERVER_OWNED_FIELD' });
    const bare = admin.applyConnection({ org, connection: awsConnection('thief', trusted) });
    expect(await refusalOf(bare)).toMatchObject({ reason: 'TRUST_SETUP_REQUIRED' });
    const other = await service().newOrganization();
    const foreign = other.admin.applyConnection({
      org: other.slug,
      connection: awsConnection('thief', { ...trusted, externalId: secret }),
    });
    expect(await refusalOf(foreign)).toMatchObject({ reason: 'SERVER_OWNED_FIELD' });
  });

  test('are the only way to another role: a manifest cannot name one that was never verified', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await completed(organization);
    const role = (await connectionOf(organization)).spec?.iamRoleArn ?? '';
    const victim = 'arn:aws:iam::999999999999:role/PlantonConnect-of-somebody-else';
    for (const spec of [
      { iamRoleArn: `${role}-2` },
      { iamRoleArn: victim, accountId: literal('999999999999') },
      { iamRoleArn: victim, accountId: variable('account') },
    ]) {
      const edited = { authMode: AuthMode.CROSS_ACCOUNT_TRUST, region: literal('us-west-2'), ...spec };
      const refused = refusalOf(
        admin.applyConnection({ org, connection: awsConnection('prod-aws', edited) }),
      );
      expect(await refused).toMatchObject({ kind: 'state', reason: 'TRUST_SETUP_REQUIRED' });
    }
    const connection = awsConnection(
      { name: 'prod-aws', labels: { team: 'a' } },
      { authMode: AuthMode.CROSS_ACCOUNT_TRUST, accountId: literal(ACCOUNT), iamRoleArn: role },
    );
    expect((await admin.applyConnection({ org, connection })).outcome).toBe(ApplyOutcome.UPDATED);
    expect((await connectionOf(organization)).spec?.iamRoleArn).toBe(role);
  });

  test('are taken up again by the same request, and replaced by another', async () => {
    const organization = await service().newOrganization();
    const first = await initiate(organization);
    const again = await initiate(organization);
    expect(again).toMatchObject({
      resumed: true,
      setup: { uid: first.setup?.uid },
      role: { externalId: first.role?.externalId },
    });
    expect(again.quickCreateUrl).not.toBe(first.quickCreateUrl);
    createStack(first, 'CREATE_IN_PROGRESS');
    expect(await callBack(first)).toBe(true);
    expect(await callBack(again)).toBe(true);
    const replaced = await initiate(organization, { region: 'eu-west-1' });
    expect(replaced.resumed).toBe(false);
    expect(replaced.role?.externalId).not.toBe(first.role?.externalId);
    expect(await read(organization, first.setup?.uid)).toMatchObject({ state: FAILED });
    expect(
      (await organization.admin.getAwsTrustSetup({ org: organization.slug, connection: 'prod-aws' })).setup
        ?.uid,
    ).toBe(replaced.setup?.uid);
  });

  test('of a role that is made by hand need no stack, and are waited for by the same request', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization, { withoutStack: true });
    expect(begun).toMatchObject({ quickCreateUrl: '', setup: { stackName: '', callsBack: false } });
    expect(begun.role?.policies).toHaveLength(10);
    expect(JSON.parse(begun.role?.trustPolicy ?? '')).toMatchObject({ Version: '2012-10-17' });
    const waiting = await initiate(organization, { withoutStack: true });
    expect(waiting).toMatchObject({ resumed: true, quickCreateUrl: '', setup: { uid: begun.setup?.uid } });
    trust.aws().roles.set(begun.setup?.roleArn ?? '', { externalId: begun.role?.externalId });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
  });

  test('of several at the same moment are one', async () => {
    const organization = await service().newOrganization();
    const begun = await Promise.all(Array.from({ length: 6 }, () => initiate(organization)));
    expect(new Set(begun.map(({ setup }) => setup?.uid)).size).toBe(1);
    expect(new Set(begun.map(({ role }) => role?.externalId)).size).toBe(1);
  });

  test.each([
    [{ region: 'us-west-9' }, 'REQUEST_INVALID'],
    [{ region: 'cn-north-1' }, 'PARTITION_MISMATCH'],
    [{ permissionsBoundaryArn: 'arn:aws:iam::999999999999:policy/b' }, 'PARTITION_MISMATCH'],
    [{ name: '!!!' }, 'NAME_REQUIRED'],
  ])('%j is refused', async (request, reason) => {
    const organization = await service().newOrganization();
    const refused = await refusalOf(initiate(organization, request));
    expect(refused).toMatchObject({ kind: 'invalid' });
    expect([reason, 'REQUEST_INVALID']).toContain(refused.reason);
  });

  test('are limited in number, and only those may begin one who may make connections', async () => {
    const organization = await service().newOrganization();
    const viewer = await organization.as('viewer');
    expect(await refusalOf(initiate({ ...organization, admin: viewer }))).toMatchObject({ kind: 'denied' });
    const developer = await organization.as('developer', { uid: 'dev' });
    for (let each = 0; each < 20; each++)
      await initiate({ ...organization, admin: developer }, { name: `a-${each}` });
    expect(await refusalOf(initiate(organization, { name: 'one-more' }))).toMatchObject({
      kind: 'quota',
      reason: 'TOO_MANY_TRUST_SETUPS',
    });
  });

  test('are refused in a region that the policy does not allow, before a secret is minted', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.setOrganizationPolicy({ org, policy: { allowedRegions: ['eu-west-1'] } });
    const before = service().config.calls.length;
    expect(await refusalOf(initiate(organization))).toMatchObject({ reason: 'POLICY_REGION_NOT_ALLOWED' });
    expect(service().config.calls.length).toBe(before);
    await initiate(organization, { region: 'eu-west-1' });
  });

  test('of another organisation are not there', async () => {
    const organization = await service().newOrganization();
    const stranger = await service().newOrganization();
    const { setup } = await initiate(organization);
    expect(await refusalOf(read(stranger, setup?.uid))).toMatchObject({ reason: 'TRUST_SETUP_NOT_FOUND' });
    const watching = stranger.admin.watchAwsTrustSetup({ org: stranger.slug, setupUid: setup?.uid ?? '' });
    expect(await refusalOf(Array.fromAsync(watching))).toMatchObject({ reason: 'TRUST_SETUP_NOT_FOUND' });
  });

  test('are told of as they change, until they have ended', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    const seen: (AwsTrustSetupState | undefined)[] = [];
    const watching = (async () => {
      for await (const { setup } of organization.admin.watchAwsTrustSetup({
        org: organization.slug,
        setupUid: begun.setup?.uid ?? '',
      })) {
        seen.push(setup?.state);
        if (setup?.state === PENDING) {
          createStack(begun, 'CREATE_IN_PROGRESS');
          await advance(organization);
        } else if (setup?.state === VERIFYING) {
          createStack(begun);
          await advance(organization);
        }
      }
    })();
    await watching;
    expect(seen).toEqual([PENDING, VERIFYING, COMPLETED]);
  });

  test('expire, and nothing was connected', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    await age(organization, defaultSetupPace.openFor);
    createStack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: EXPIRED });
    expect(await refusalOf(connectionOf(organization))).toMatchObject({ kind: 'missing' });
    expect(await callBack(begun)).toBe(false);
  });
});
