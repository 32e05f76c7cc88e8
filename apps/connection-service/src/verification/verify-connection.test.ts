import { timestampDate } from '@bufbuild/protobuf/wkt';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import { ApplyOutcome } from '@planton/api/connect/v1/connection_service';
import { VerificationOutcome } from '@planton/api/connect/v1/connection_status';
import { AwsAccessVerdict } from '@planton/api/runner/v1/operation';
import { jsonb } from '@planton/database';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { verify } from '../testing/collect-verification.ts';
import { ACCOUNT, ARN, answering } from '../testing/fake-runner-service.ts';
import { awsConnection, awsOf, KEY_ID, refusalOf, SECRET_KEY } from '../testing/use-test-service.ts';
import { PLATFORM, READING, runnerMode, useVerification } from '../testing/use-verification.ts';

const { VERIFIED, REFUSED } = VerificationOutcome;

describe.each(engines)('verifying connections on %s', (kind) => {
  const { service, connected, statusOf, auditOf, lastRun } = useVerification(kind);

  test('an inline connection on the platform runner, step by step, on record and in the status', async () => {
    const organization = await connected();
    const { admin, slug: org, uid: organizationUid } = organization;
    const deployer = await organization.as('deployer', { uid: 'ci-uid', name: 'ci' });
    expect(await statusOf(organization)).toBeUndefined();
    const { steps, result } = await verify(deployer, org, 'a');
    expect(steps).toEqual([
      `${READING}: running`,
      `${READING}: passed`,
      `${PLATFORM}: running`,
      `${PLATFORM}: passed`,
      'asking sts who we are: running',
      `asking sts who we are: passed - ${ARN}`,
      'comparing the account: running',
      `comparing the account: passed - it is account ${ACCOUNT}`,
    ]);
    expect(result).toMatchObject({
      outcome: VERIFIED,
      revision: 1,
      message: `account ${ACCOUNT} answered as ${ARN}`,
      causes: [],
      identity: ARN,
      runner: '',
    });
    expect(result.lastSuccessTime).toBeDefined();

    const { request, service: caller, actor } = lastRun();
    expect([caller, actor]).toEqual(['connection-service', 'ci-uid']);
    expect(request).toMatchObject({
      org,
      organizationUid,
      runnerUid: '',
      connection: 'a',
      purpose: 'verification of a',
      timeout: { seconds: 30n },
      input: {
        kind: {
          case: 'verifyAwsAccess',
          value: {
            accountId: ACCOUNT,
            region: 'us-west-2',
            authentication: {
              method: { case: 'accessKey', value: { accessKeyId: KEY_ID, secretAccessKey: SECRET_KEY } },
            },
          },
        },
      },
    });
    expect(service().config.purposes.at(-1)).toBe('verification of a');

    expect(await statusOf(organization)).toEqual(result);
    const listed = (await admin.listConnections({ org })).connections.map((each) => awsOf(each).status);
    expect(listed).toMatchObject([{ verification: { outcome: VERIFIED, identity: ARN } }]);
    const applied = await admin.applyConnection({ org, connection: awsConnection('a') });
    expect(applied.outcome).toBe(ApplyOutcome.UNCHANGED);
    expect(awsOf(applied.connection).status?.verification).toEqual(result);
    expect(await auditOf(organization)).toMatchObject([
      {
        actorUid: 'ci-uid',
        actorName: 'ci',
        resourceSlug: 'a',
        version: 1,
        outcome: AuditOutcome.SUCCEEDED,
        details: { result: 'verified', trigger: 'request' },
      },
    ]);
    const next = result.nextVerifyTime ? timestampDate(result.nextVerifyTime).getTime() - Date.now() : 0;
    expect(next / 3_600_000).toBeGreaterThan(4.7);
    expect(next / 3_600_000).toBeLessThan(7.3);
  });

  test('what get shows after a verification can be applied and changes nothing', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    await verify(admin, org, 'a');
    const { connection } = await admin.getConnection({ org, connection: 'a' });
    if (!connection) throw new Error('no connection');
    expect((await admin.applyConnection({ org, connection })).outcome).toBe(ApplyOutcome.UNCHANGED);
  });

  test('an inline connection on the runner that it names', async () => {
    const organization = await connected({ runner: 'my-runner' });
    const { admin, slug: org } = organization;
    const { steps, result } = await verify(admin, org, 'a');
    expect(steps).toContain('waiting for runner my-runner: passed');
    expect(result).toMatchObject({ outcome: VERIFIED, runner: 'my-runner' });
    const { uid } = service().runners.runners.get(`${org}/my-runner`) ?? {};
    expect(lastRun().request.runnerUid).toBe(uid);
    expect((await auditOf(organization))[0]?.details).toMatchObject({ runner: 'my-runner' });
  });

  test('a connection in runner mode, of which nothing is read', async () => {
    const { admin, slug: org } = await connected(runnerMode);
    const before = service().config.calls.length;
    const { steps, result } = await verify(admin, org, 'a');
    expect(service().config.calls.slice(before)).toEqual([]);
    expect(steps[0]).toBe('waiting for runner my-runner: running');
    expect(result).toMatchObject({ outcome: VERIFIED, runner: 'my-runner' });
    const { request } = lastRun();
    expect(request.input?.kind.value).toMatchObject({ authentication: { method: { case: 'defaultChain' } } });
    expect(request.runnerUid).not.toBe('');
  });

  test('a connection in runner mode, whose variables are read anew', async () => {
    const { admin, slug: org } = await connected({
      ...runnerMode,
      region: { source: { case: 'variable', value: 'region' } },
    });
    service().config.variables.set(`${org}/region`, 'eu-central-1');
    const { steps } = await verify(admin, org, 'a');
    expect(steps.slice(0, 2)).toEqual(['reading the variables: running', 'reading the variables: passed']);
    expect(lastRun().request.input?.kind.value).toMatchObject({ region: 'eu-central-1' });
    service().config.variables.set(`${org}/region`, 'moon-1');
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({ outcome: REFUSED, causes: [{ code: 'CREDENTIALS_MALFORMED' }] });
    expect(result.message).toContain('variable "region" holds "moon-1"');
  });

  test.each([
    ['is gone', { other: 'x' }, 'CREDENTIALS_MISSING', 'secret "aws-access-key-id" does not exist'],
    ['is malformed', { value: 'AKIAcanary-short' }, 'CREDENTIALS_MALFORMED', 'is 16 characters'],
  ])('a key that %s is a result, and no runner hears of it', async (_, entries, code, words) => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    service().config.secrets.set(`${org}/aws-access-key-id`, entries);
    const before = service().runners.runs.length;
    const { steps, result } = await verify(admin, org, 'a');
    expect(steps).toHaveLength(2);
    expect(steps[1]).toContain(`${READING}: failed - `);
    expect(steps[1]).toContain(words);
    expect(result).toMatchObject({ outcome: REFUSED, causes: [{ code }], identity: '' });
    expect(result.message).toContain('spec.access_key_id');
    expect(result.message).toContain(words);
    expect(await statusOf(organization)).toEqual(result);
    expect(service().runners.runs).toHaveLength(before);
    expect(JSON.stringify([steps, result.message])).not.toContain('canary');
    expect(await auditOf(organization)).toMatchObject([
      { outcome: AuditOutcome.FAILED, details: { result: 'refused', reason: code } },
    ]);
  });

  test('a change keeps the result of the revision before, and brings the next verification near', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    const { result } = await verify(admin, org, 'a');
    const changed = awsConnection({ name: 'a', labels: { team: 'x' } });
    const { connection } = await admin.applyConnection({ org, connection: changed });
    const { metadata, status } = awsOf(connection);
    expect(metadata?.revision).toBe(2);
    expect(status?.verification).toMatchObject({
      outcome: VERIFIED,
      revision: 1,
      verifyTime: result.verifyTime,
    });
    const { nextVerifyTime } = status?.verification ?? {};
    const next = nextVerifyTime ? timestampDate(nextVerifyTime).getTime() - Date.now() : 0;
    expect(next).toBeLessThan(120_000);
  });

  test('a result that is late is kept as that of the revision that was verified', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    const answer = answering();
    service().runners.carry = async function* (request, signal) {
      await admin.applyConnection({ org, connection: awsConnection({ name: 'a', labels: { team: 'x' } }) });
      yield* answer(request, signal);
    };
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({ outcome: VERIFIED, revision: 1 });
    const next = result.nextVerifyTime ? timestampDate(result.nextVerifyTime).getTime() - Date.now() : 0;
    expect(next).toBeLessThan(120_000);
    expect(await statusOf(organization)).toEqual(result);
  });

  test('a result that is later than that of a later revision is not kept', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    const answer = answering();
    service().runners.carry = async function* (request, signal) {
      service().runners.carry = answering({
        verdict: AwsAccessVerdict.REFUSED,
        accountId: '',
        observation: 'no',
      });
      await admin.applyConnection({ org, connection: awsConnection({ name: 'a', labels: { team: 'x' } }) });
      await verify(admin, org, 'a');
      yield* answer(request, signal);
    };
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({ outcome: VERIFIED, revision: 1, identity: ARN });
    expect(result.nextVerifyTime).toBeUndefined();
    expect(await statusOf(organization)).toMatchObject({ outcome: REFUSED, revision: 2 });
    expect(await auditOf(organization)).toHaveLength(2);
  });

  test('a connection that is deleted meanwhile has its result sent, and kept nowhere but in the audit', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    const answer = answering();
    service().runners.carry = async function* (request, signal) {
      await admin.deleteConnection({ org, connection: 'a' });
      yield* answer(request, signal);
    };
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({ outcome: VERIFIED, revision: 1 });
    expect(await auditOf(organization)).toHaveLength(1);
    await admin.applyConnection({ org, connection: awsConnection('a') });
    expect(await statusOf(organization)).toBeUndefined();
  });

  test('of many at once the one that ends last stays, and each is on record', async () => {
    const organization = await connected();
    const { admin, slug: org } = organization;
    let count = 0;
    service().runners.carry = (request, signal) => {
      count += 1;
      const refusal = { verdict: AwsAccessVerdict.REFUSED, accountId: '', observation: `refusal ${count}` };
      return answering(count % 2 === 0 ? refusal : {})(request, signal);
    };
    const ends = await Promise.all(Array.from({ length: 12 }, () => verify(admin, org, 'a')));
    const shown = await statusOf(organization);
    const timeOf = (each: typeof shown) => (each?.verifyTime ? timestampDate(each.verifyTime).getTime() : 0);
    expect(timeOf(shown)).toBe(Math.max(...ends.map(({ result }) => timeOf(result))));
    expect(ends.map(({ result }) => result)).toContainEqual(shown);
    expect(await auditOf(organization)).toHaveLength(12);
  });

  test.each([
    [
      'of cross-account trust without an external ID',
      { spec: jsonb<unknown>({ authMode: 'AUTH_MODE_CROSS_ACCOUNT_TRUST' }) },
      'EXTERNAL_ID_MISSING',
    ],
    ['that this release cannot read', { spec: jsonb<unknown>({ authMode: 42.5 }) }, 'CONNECTION_UNREADABLE'],
    ['of an unknown provider', { provider: 'from-the-future' }, 'CONNECTION_UNREADABLE'],
    [
      'whose runner has no uid',
      { spec: jsonb<unknown>({ authMode: 'AUTH_MODE_RUNNER', runner: 'r' }) },
      'RUNNER_NOT_REGISTERED',
    ],
  ])('a connection %s cannot be verified', async (_, change, reason) => {
    const organization = await connected();
    const { admin, slug: org, uid } = organization;
    await service()
      .database.query.updateTable('connection')
      .set(change)
      .where('organization_uid', '=', uid)
      .execute();
    const before = service().runners.runs.length;
    expect(await refusalOf(verify(admin, org, 'a'))).toMatchObject({ kind: 'state', reason });
    expect(service().runners.runs).toHaveLength(before);
  });
});
