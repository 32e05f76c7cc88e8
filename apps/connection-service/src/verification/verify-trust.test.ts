import { timestampDate } from '@bufbuild/protobuf/wkt';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import { type ConnectionVerification, VerificationOutcome } from '@planton/api/connect/v1/connection_status';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  type VerifyAwsTrustInput,
} from '@planton/api/runner/v1/operation';
import { jsonb } from '@planton/database';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { verify } from '../testing/collect-verification.ts';
import { ACCOUNT, answering } from '../testing/fake-runner-service.ts';
import { type Behaviour, ROLE_ARN, SESSION_ARN, trusting } from '../testing/trust-answers.ts';
import { awsConnection, refusalOf, type TestOrganization } from '../testing/use-test-service.ts';
import { PLATFORM, useVerification } from '../testing/use-verification.ts';
import { claimDueConnections } from './verification-store.ts';
import { verifyDue } from './verify-due.ts';

const { VERIFIED, REFUSED, INCONCLUSIVE, INSECURE } = VerificationOutcome;
const EXTERNAL_ID = '0a1b2c3d4e5f6789'.repeat(4);
const READING = 'reading the external id from its secret';

describe.each(engines)('verifying cross-account trust on %s', (kind) => {
  const { service, connected, statusOf, auditOf, lastRun } = useVerification(kind);

  /** A connection as a set-up leaves it. */
  async function trusted(spec: object = {}): Promise<TestOrganization> {
    const organization = await connected();
    const { uid, slug: org } = organization;
    const { uid: owner } = await service()
      .database.query.updateTable('connection')
      .set({
        spec: jsonb<unknown>({
          authMode: 'AUTH_MODE_CROSS_ACCOUNT_TRUST',
          accountId: { value: ACCOUNT },
          region: { value: 'us-west-2' },
          iamRoleArn: ROLE_ARN,
          externalId: { secret: 'external-id-a' },
          ...spec,
        }),
      })
      .where('organization_uid', '=', uid)
      .returning('uid')
      .executeTakeFirstOrThrow();
    service().config.secrets.set(`${org}/external-id-a`, { value: EXTERNAL_ID });
    service().config.owners.get(owner)?.references.add('secret/external-id-a/value');
    return organization;
  }
  const verifyWith = async (organization: TestOrganization, behaviour: Behaviour, changes = {}) => {
    service().runners.carry = trusting(behaviour, changes);
    return (await verify(organization.admin, organization.slug, 'a')).result;
  };
  const lastInput = () => lastRun().request.input?.kind.value as VerifyAwsTrustInput;
  /** As if this much time had passed since others were let in, or kept out. */
  const age = ({ uid }: TestOrganization, column: 'probe_time' | 'insecure_since', seconds: number) =>
    service()
      .database.query.updateTable('connection_verification')
      .set({ [column]: sql<Date>`${sql.ref(column)} - make_interval(secs => ${seconds})` })
      .where('connection_uid', 'in', (query) =>
        query.selectFrom('connection').select('uid').where('organization_uid', '=', uid),
      )
      .execute();
  const secondsTo = ({ nextVerifyTime }: ConnectionVerification) =>
    nextVerifyTime ? (timestampDate(nextVerifyTime).getTime() - Date.now()) / 1_000 : 0;

  test('the role is assumed by the platform runner with its external ID, and probed the first time', async () => {
    const organization = await trusted();
    service().runners.carry = trusting('denies');
    const { steps, result } = await verify(organization.admin, organization.slug, 'a');
    expect(steps).toEqual([
      `${READING}: running`,
      `${READING}: passed`,
      `${PLATFORM}: running`,
      `${PLATFORM}: passed`,
      `assuming ${ROLE_ARN}: passed`,
      'comparing the account: running',
      `comparing the account: passed - it is account ${ACCOUNT}`,
    ]);
    expect(result).toMatchObject({
      outcome: VERIFIED,
      message: `account ${ACCOUNT} answered as ${SESSION_ARN}`,
      identity: SESSION_ARN,
      causes: [],
      runner: '',
    });
    expect(result.probeTime).toEqual(result.verifyTime);
    expect(await statusOf(organization)).toEqual(result);
    expect(lastRun().request).toMatchObject({
      runnerUid: '',
      input: {
        kind: {
          case: 'verifyAwsTrust',
          value: {
            accountId: ACCOUNT,
            region: 'us-west-2',
            probe: true,
            stack: '',
            role: {
              roleArn: ROLE_ARN,
              externalId: EXTERNAL_ID,
              sessionName: 'planton-verification',
              sourceIdentity: 'planton-verification',
              tags: { 'planton:organization': organization.slug, 'planton:connection': 'a' },
            },
          },
        },
      },
    });
    const shown = JSON.stringify([steps, result.message, service().log]);
    expect(shown).not.toContain(EXTERNAL_ID);
  });

  test('it is not probed at every check, and again a day later or once anything else was found', async () => {
    const organization = await trusted();
    const first = await verifyWith(organization, 'denies');
    const second = await verifyWith(organization, 'denies');
    expect(lastInput()).toMatchObject({ probe: false, role: { sourceIdentity: '', tags: {} } });
    expect(second).toMatchObject({ outcome: VERIFIED, message: first.message, probeTime: first.probeTime });
    await age(organization, 'probe_time', 86_400);
    const third = await verifyWith(organization, 'denies');
    expect(lastInput().probe).toBe(true);
    expect(third.probeTime).toEqual(third.verifyTime);
    const refusal = {
      verdict: AwsAccessVerdict.REFUSED,
      accountId: '',
      arn: '',
      observation: 'AccessDenied',
    };
    const causes = [{ code: AwsAccessCauseCode.TRUST_POLICY, message: 'm', hint: 'h' }];
    expect(await verifyWith(organization, 'denies', { ...refusal, causes })).toMatchObject({
      outcome: REFUSED,
      message: 'AccessDenied',
      causes: [{ code: 'TRUST_POLICY' }],
      probeTime: third.probeTime,
    });
    await verifyWith(organization, 'denies');
    expect(lastInput().probe).toBe(true);
  });

  test('a role that lets others in is insecure once that has lasted, and never verified meanwhile', async () => {
    const organization = await trusted();
    const first = await verifyWith(organization, 'lets in');
    expect(first).toMatchObject({
      outcome: INCONCLUSIVE,
      causes: [{ code: 'EXTERNAL_ID_NOT_ENFORCED' }],
      identity: SESSION_ARN,
    });
    expect(first.message).toContain('the role let in a caller without the external ID, and one with a wrong');
    expect(first.message).toContain('looked at again in a minute');
    expect(first.probeTime).toBeUndefined();
    expect(first.lastSuccessTime).toBeUndefined();
    expect(secondsTo(first)).toBeGreaterThan(40);
    expect(secondsTo(first)).toBeLessThan(91);
    expect((await verifyWith(organization, 'lets in')).outcome).toBe(INCONCLUSIVE);
    expect((await verifyWith(organization, 'throttles')).outcome).toBe(INCONCLUSIVE);
    await age(organization, 'insecure_since', 60);
    const lasting = await verifyWith(organization, 'lets in');
    expect(lasting).toMatchObject({ outcome: INSECURE, causes: [{ code: 'EXTERNAL_ID_NOT_ENFORCED' }] });
    expect(lasting.causes[0]?.hint).toContain('sts:ExternalId');
    expect(secondsTo(lasting)).toBeGreaterThan(3_600);
    expect((await verifyWith(organization, 'throttles')).outcome).toBe(INSECURE);
    expect(await statusOf(organization)).toMatchObject({ outcome: INSECURE });
    expect((await auditOf(organization))[0]).toMatchObject({
      outcome: AuditOutcome.FAILED,
      details: { result: 'insecure', reason: 'EXTERNAL_ID_NOT_ENFORCED' },
    });
    const closed = await verifyWith(organization, 'denies');
    expect(closed).toMatchObject({ outcome: VERIFIED, causes: [] });
    // It begins anew.
    expect((await verifyWith(organization, 'denies')).outcome).toBe(VERIFIED);
    await age(organization, 'probe_time', 86_400);
    expect((await verifyWith(organization, 'lets in')).outcome).toBe(INCONCLUSIVE);
  });

  test('the schedule finds out the same, and looks again within a minute and a half', async () => {
    const organization = await trusted();
    service().runners.carry = trusting('lets in');
    const run = async () => {
      await service()
        .database.query.updateTable('connection_verification')
        .set({ next_verify_time: sql<Date>`now()` })
        .where('connection_uid', 'in', (query) =>
          query.selectFrom('connection').select('uid').where('organization_uid', '=', organization.uid),
        )
        .execute();
      for (const due of await claimDueConnections(service().database.query, 100, 300))
        if (due.organization_uid === organization.uid)
          await verifyDue(service().deps, due, new AbortController().signal);
      const status = await statusOf(organization);
      if (!status) throw new Error('it was not verified');
      return status;
    };
    const first = await run();
    expect(first.outcome).toBe(INCONCLUSIVE);
    expect(secondsTo(first)).toBeLessThan(91);
    await age(organization, 'insecure_since', 60);
    expect((await run()).outcome).toBe(INSECURE);
    service().runners.carry = trusting('denies');
    expect(await run()).toMatchObject({ outcome: VERIFIED });
    expect(service().config.purposes.at(-1)).toBe('scheduled verification of a');
  });

  test('a role whose probes say nothing is not safe until it was shown, and is what it was afterwards', async () => {
    const organization = await trusted();
    expect(await verifyWith(organization, 'throttles')).toMatchObject({
      outcome: INCONCLUSIVE,
      causes: [{ code: 'PROTECTION_NOT_SHOWN' }],
    });
    const shown = await verifyWith(organization, 'denies');
    await age(organization, 'probe_time', 90_000);
    const later = await verifyWith(organization, 'throttles');
    expect(later.outcome).toBe(VERIFIED);
    const [before, after] = [shown.probeTime, later.probeTime].map(
      (time) => time && timestampDate(time).getTime(),
    );
    expect(after).toBe((before ?? 0) - 90_000_000);
    expect(later.message).toContain(`last shown at ${new Date(after ?? 0).toISOString().slice(0, 19)}`);
  });

  test('what was shown of one revision says nothing about the next', async () => {
    const organization = await trusted();
    await verifyWith(organization, 'denies');
    await service()
      .database.query.updateTable('connection')
      .set({ revision: 2 })
      .where('organization_uid', '=', organization.uid)
      .execute();
    const result = await verifyWith(organization, 'throttles');
    expect(result).toMatchObject({ outcome: INCONCLUSIVE, revision: 2 });
    expect(result.probeTime).toBeUndefined();
    expect(lastInput().probe).toBe(true);
  });

  test('a runner that does not say whether it probed leaves it open', async () => {
    const organization = await trusted();
    expect(await verifyWith(organization, 'denies', { externalId: 0, probes: [] })).toMatchObject({
      outcome: INCONCLUSIVE,
      causes: [{ code: 'PROTECTION_NOT_SHOWN' }],
    });
  });

  test('another account is refused whatever it lets in, and an answer to another question says nothing', async () => {
    const organization = await trusted();
    expect(await verifyWith(organization, 'lets in', { accountId: '210987654321' })).toMatchObject({
      outcome: REFUSED,
      causes: [{ code: 'WRONG_ACCOUNT' }],
    });
    service().runners.carry = () => [
      {
        event: {
          case: 'end',
          value: { operation: { state: 3, attempt: 1, output: { kind: { case: 'ping', value: {} } } } },
        },
      },
    ];
    expect((await verify(organization.admin, organization.slug, 'a')).result).toMatchObject({
      outcome: INCONCLUSIVE,
      causes: [{ code: 'ANSWER_NOT_UNDERSTOOD' }],
    });
  });

  test('an external ID that the runner repeats is shown to nobody', async () => {
    const organization = await trusted();
    const loud = `it is ${EXTERNAL_ID}`;
    const result = await verifyWith(organization, 'denies', {
      verdict: AwsAccessVerdict.REFUSED,
      accountId: '',
      arn: loud,
      observation: loud,
      causes: [{ code: AwsAccessCauseCode.EXTERNAL_ID, message: loud, hint: loud }],
    });
    expect(result.outcome).toBe(REFUSED);
    expect(JSON.stringify([result.message, result.identity, result.causes])).not.toContain(EXTERNAL_ID);
  });

  test.each([
    ['is gone', { other: 'x' }, 'CREDENTIALS_MISSING'],
    ['is no external ID', { value: 'with blanks in it' }, 'CREDENTIALS_MALFORMED'],
  ])('an external ID that %s is a result, and no runner hears of it', async (_, entries, code) => {
    const organization = await trusted();
    service().config.secrets.set(`${organization.slug}/external-id-a`, entries);
    const before = service().runners.runs.length;
    const { result } = await verify(organization.admin, organization.slug, 'a');
    expect(result).toMatchObject({ outcome: REFUSED, causes: [{ code }] });
    expect(result.message).not.toContain('blanks');
    expect(service().runners.runs).toHaveLength(before);
  });

  test('a connection without an external ID is not tried', async () => {
    const organization = await trusted({ externalId: undefined });
    const before = service().runners.runs.length;
    expect(await refusalOf(verify(organization.admin, organization.slug, 'a'))).toMatchObject({
      kind: 'state',
      reason: 'EXTERNAL_ID_MISSING',
    });
    expect(service().runners.runs).toHaveLength(before);
  });

  test('of many at once that let others in, the time since when is that of the first', async () => {
    const organization = await trusted();
    service().runners.carry = trusting('lets in');
    const { admin, slug: org } = organization;
    const all = await Promise.all(Array.from({ length: 8 }, () => verify(admin, org, 'a')));
    const row = await service()
      .database.query.selectFrom('connection_verification as v')
      .innerJoin('connection as c', 'c.uid', 'v.connection_uid')
      .select(['v.insecure_since', 'v.outcome'])
      .where('c.organization_uid', '=', organization.uid)
      .executeTakeFirstOrThrow();
    expect(row.outcome).toBe('inconclusive');
    const ends = all.map(({ result: { verifyTime } }) =>
      verifyTime ? timestampDate(verifyTime).getTime() : 0,
    );
    expect(row.insecure_since?.getTime()).toBeLessThanOrEqual(Math.min(...ends) + 1);
    expect(all.every(({ result }) => result.outcome === INCONCLUSIVE)).toBe(true);
  });

  test('a connection that stops trusting is no longer what it was shown to be', async () => {
    const organization = await trusted();
    await verifyWith(organization, 'denies');
    const { admin, slug: org } = organization;
    await admin.applyConnection({ org, connection: awsConnection('a') });
    expect(await statusOf(organization)).toMatchObject({ outcome: VERIFIED, revision: 1 });
    service().runners.carry = answering();
    const { result } = await verify(admin, org, 'a');
    expect(result).toMatchObject({ outcome: VERIFIED, revision: 2 });
    expect(result.probeTime).toBeUndefined();
  });
});
