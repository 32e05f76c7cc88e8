import { AuditOutcome } from '@planton/api/common/v1/audit';
import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import { engines } from '@planton/database/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { answering, type Carry } from '../testing/fake-runner-service.ts';
import {
  authorizationOf,
  awsConnection,
  refusalOf,
  type TestOrganization,
  useTestService,
} from '../testing/use-test-service.ts';
import { connectByTrust, openingSessions, roleOf } from '../testing/use-trust.ts';

const NOT_AUTHORIZED = { kind: 'state', reason: 'CONNECTION_NOT_AUTHORIZED' };
const seconds = (value: number) => ({ seconds: BigInt(value) });

describe.each(engines)('the policy of an organisation on %s', (kind) => {
  const service = useTestService(kind);
  afterEach(() => {
    service().runners.carry = answering();
  });

  async function connected(): Promise<TestOrganization> {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('a') });
    return organization;
  }

  async function trusted(carry: Carry = openingSessions()): Promise<TestOrganization> {
    const organization = await service().newOrganization();
    await connectByTrust(service(), organization, 'a', {});
    service().runners.carry = carry;
    return organization;
  }

  test('demands nothing until it is set, and is replaced as a whole', async () => {
    const { admin, slug: org, as } = await service().newOrganization();
    expect((await admin.getOrganizationPolicy({ org })).policy).toMatchObject({
      requireAuthorization: false,
      allowedRegions: [],
      inlineKeysForbiddenIn: [],
    });
    const policy = {
      requireAuthorization: true,
      maxSessionDuration: seconds(1_800),
      allowedRegions: ['eu-west-1'],
      inlineKeysForbiddenIn: ['production'],
    };
    const set = await admin.setOrganizationPolicy({ org, policy });
    expect(set.policy).toMatchObject(policy);
    expect(set.policy?.updateTime).toBeDefined();
    const viewer = await as('viewer');
    expect((await viewer.getOrganizationPolicy({ org })).policy).toEqual(set.policy);
    await admin.setOrganizationPolicy({ org, policy: { allowedRegions: ['us-west-2'] } });
    const { policy: now } = await viewer.getOrganizationPolicy({ org });
    expect(now).toMatchObject({ requireAuthorization: false, allowedRegions: ['us-west-2'] });
    expect(now?.maxSessionDuration).toBeUndefined();
    expect(now?.inlineKeysForbiddenIn).toEqual([]);
    const { records } = await admin.listAuditRecords({ org, action: 'policy.set' });
    expect(records).toHaveLength(2);
    expect(records[1]).toMatchObject({
      resourceSlug: org,
      details: {
        require_authorization: 'true',
        max_session_seconds: '1800',
        inline_keys_forbidden_in: 'production',
      },
    });
  });

  test('is set by owners and admins of the whole organisation alone, and names what exists', async () => {
    const { admin, slug: org, as, production } = await service().newOrganization();
    for (const role of ['developer', 'viewer', 'deployer'] as const) {
      const refused = await refusalOf((await as(role)).setOrganizationPolicy({ org, policy: {} }));
      expect(refused).toMatchObject({ kind: 'denied', reason: 'PERMISSION_DENIED' });
    }
    const limited = await as('admin', { environments: [production] });
    expect(await refusalOf(limited.setOrganizationPolicy({ org, policy: {} }))).toMatchObject({
      reason: 'ENVIRONMENT_NOT_COVERED',
    });
    const nowhere = admin.setOrganizationPolicy({ org, policy: { inlineKeysForbiddenIn: ['nowhere'] } });
    expect(await refusalOf(nowhere)).toMatchObject({
      reason: 'ENVIRONMENT_NOT_FOUND',
      violations: [{ field: 'policy.inline_keys_forbidden_in[0]' }],
    });
    for (const policy of [{ maxSessionDuration: seconds(899) }, { allowedRegions: ['Eu West'] }, undefined])
      expect(await refusalOf(admin.setOrganizationPolicy({ org, policy }))).toMatchObject({
        reason: 'VALIDATION_FAILED',
      });
    expect((await admin.getOrganizationPolicy({ org })).policy?.updateTime).toBeUndefined();
  });

  test('that requires an authorisation closes what has none, between resolving and issuing too', async () => {
    const { admin, slug: org } = await connected();
    const other = await connected();
    const question = { org, connection: 'a', environment: 'production' };
    await admin.resolveConnection(question);
    await admin.setOrganizationPolicy({ org, policy: { requireAuthorization: true } });
    const refused = await refusalOf(admin.issueCredentials(question));
    expect(refused).toMatchObject({ ...NOT_AUTHORIZED, metadata: { cause: 'RECORD_REQUIRED' } });
    expect(refused.violations.map(({ field }) => field)).toContain('authorization');
    expect(await refusalOf(admin.resolveConnection(question))).toMatchObject(NOT_AUTHORIZED);
    const { records } = await admin.listAuditRecords({ org, action: 'credentials.issue' });
    expect(records[0]).toMatchObject({ outcome: AuditOutcome.DENIED });
    await other.admin.issueCredentials({ org: other.slug, connection: 'a' });

    const authorization = authorizationOf('a', AuthorizationScope.ENVIRONMENT, ['production']);
    await admin.setProviderConnectionAuthorization({ org, authorization });
    await admin.issueCredentials(question);
  });

  test('that forbids inline keys in an environment cannot be dodged by naming none', async () => {
    const { admin, slug: org, uid } = await connected();
    const environments = service().platform.environments.get(uid) ?? [];
    service().platform.environments.set(uid, [...environments, { uid: `${uid}-staging`, slug: 'staging' }]);
    await admin.setOrganizationPolicy({ org, policy: { inlineKeysForbiddenIn: ['production'] } });
    const forbidden = { kind: 'state', reason: 'POLICY_INLINE_KEYS_FORBIDDEN' };
    const issue = (environment: string) => admin.issueCredentials({ org, connection: 'a', environment });
    const before = service().config.calls.length;
    expect(await refusalOf(issue('production'))).toMatchObject(forbidden);
    expect(await refusalOf(issue(''))).toMatchObject(forbidden);
    expect(service().config.calls.length).toBe(before);
    await issue('staging');
    const { records } = await admin.listAuditRecords({ org, action: 'credentials.issue' });
    expect(records.map(({ outcome }) => outcome)).toEqual([
      AuditOutcome.SUCCEEDED,
      AuditOutcome.DENIED,
      AuditOutcome.DENIED,
    ]);
    const { decision } = await admin.resolveConnection({ org, connection: 'a', environment: 'staging' });
    expect(decision.at(-1)).toMatchObject({
      level: 'policy',
      explanation: expect.stringContaining('inline keys are refused in production'),
    });
  });

  test('of regions is kept at apply, and at every issue for what a variable became', async () => {
    const { admin, slug: org } = await service().newOrganization();
    service().config.variables.set(`${org}/region`, 'eu-west-1');
    const region = { source: { case: 'variable' as const, value: 'region' } };
    await admin.setOrganizationPolicy({ org, policy: { allowedRegions: ['eu-west-1'] } });
    const refused = { kind: 'state', reason: 'POLICY_REGION_NOT_ALLOWED' };
    expect(await refusalOf(admin.applyConnection({ org, connection: awsConnection('b') }))).toMatchObject(
      refused,
    );
    await admin.applyConnection({ org, connection: awsConnection('a', { region }) });
    await admin.issueCredentials({ org, connection: 'a' });
    service().config.variables.set(`${org}/region`, 'us-west-2');
    expect(await refusalOf(admin.issueCredentials({ org, connection: 'a' }))).toMatchObject(refused);
    expect((await admin.listConnections({ org })).connections).toHaveLength(1);
  });

  test('of durations shortens what is not asked for and refuses what is asked too long', async () => {
    const { admin, slug: org } = await trusted();
    await admin.issueCredentials({ org, connection: 'a' });
    await admin.setOrganizationPolicy({ org, policy: { maxSessionDuration: seconds(1_800) } });
    await admin.issueCredentials({ org, connection: 'a' });
    const durations = service()
      .runners.runs.slice(-2)
      .map(({ request }) => roleOf(request.input?.kind).duration?.seconds);
    // The session of an hour that is kept from before is not handed out any more.
    expect(durations).toEqual([undefined, 1_800n]);
    await admin.issueCredentials({ org, connection: 'a', duration: seconds(900) });
    const long = admin.issueCredentials({ org, connection: 'a', duration: seconds(1_801) });
    expect(await refusalOf(long)).toMatchObject({ kind: 'state', reason: 'POLICY_SESSION_TOO_LONG' });
  });

  test.each([
    ['CONNECTION_NOT_AUTHORIZED', { requireAuthorization: true }],
    ['POLICY_SESSION_TOO_LONG', { maxSessionDuration: seconds(900) }],
    ['POLICY_REGION_NOT_ALLOWED', { allowedRegions: ['eu-north-1'] }],
  ])('that is set while a session is being opened holds for it: %s', async (reason, policy) => {
    const organization: TestOrganization = await trusted(async function* (...given) {
      await organization.admin.setOrganizationPolicy({ org: organization.slug, policy });
      yield* openingSessions()(...given);
    });
    const { admin, slug: org } = organization;
    expect(await refusalOf(admin.issueCredentials({ org, connection: 'a' }))).toMatchObject({ reason });
    const { records } = await admin.listAuditRecords({ org, action: 'credentials.issue' });
    expect(records).toMatchObject([{ outcome: AuditOutcome.DENIED }]);
  });
});
