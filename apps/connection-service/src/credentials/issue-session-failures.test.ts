import type { MessageInitShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import {
  AwsAccessCauseCode,
  OperationErrorKind,
  type OperationErrorSchema,
  OperationState,
  VerifyAwsAccessOutputSchema,
} from '@planton/api/runner/v1/operation';
import { engines } from '@planton/database/testing';
import { missing } from '@planton/rpc';
import { afterEach, describe, expect, test } from 'vitest';
import { answering, type Carry, failed, succeeded } from '../testing/fake-runner-service.ts';
import { refusalOf, type TestOrganization, useTestService } from '../testing/use-test-service.ts';
import {
  connectByTrust,
  countTakes,
  EXTERNAL_ID,
  openingSessions,
  type SessionFacts,
  tokenOf,
} from '../testing/use-trust.ts';
import { makeResultKey } from './make-result-key.ts';

const { AUTHENTICATION, INVALID, REFUSED, OFFLINE, DEADLINE, TRANSIENT, INTERNAL } = OperationErrorKind;
const SECRET_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

describe.each(engines)('sessions that are not opened, on %s', (kind) => {
  const service = useTestService(kind);
  afterEach(() => {
    service().config.fault = () => undefined;
    service().runners.fault = () => undefined;
    service().runners.carry = answering();
  });

  async function trusted(carry: Carry, spec = {}): Promise<TestOrganization> {
    const organization = await service().newOrganization();
    await connectByTrust(service(), organization, 'a', spec);
    service().runners.carry = carry;
    return organization;
  }
  const issue = ({ admin, slug: org }: TestOrganization, asked = {}) =>
    admin.issueCredentials({ org, connection: 'a', ...asked });
  const failing = (
    error: MessageInitShape<typeof OperationErrorSchema>,
    kind: OperationErrorKind,
    attempt = 1,
  ) => trusted(() => [failed(kind, error, attempt)]);
  const recordsOf = async ({ admin, slug: org }: TestOrganization) =>
    (await admin.listAuditRecords({ org, action: 'credentials.issue' })).records;

  test('AWS refuses: what was observed, with the possible causes, and nothing secret', async () => {
    const organization = await failing(
      {
        reason: 'AWS_REFUSED',
        message: `STS answered AccessDenied for ${EXTERNAL_ID}`,
        hint: 'look at the trust policy',
        causes: [
          { code: AwsAccessCauseCode.TRUST_POLICY, message: 'the role does not trust us', hint: 'let it' },
          { code: AwsAccessCauseCode.EXTERNAL_ID, message: `it is not ${EXTERNAL_ID}`, hint: '' },
        ],
      },
      AUTHENTICATION,
    );
    const error = await refusalOf(issue(organization));
    expect(error).toMatchObject({
      kind: 'state',
      reason: 'AWS_REFUSED',
      message: 'connection "a": STS answered AccessDenied for [hidden]',
      hint: 'planton connection verify a',
      violations: [
        { field: 'TRUST_POLICY', message: 'the role does not trust us; let it' },
        { field: 'EXTERNAL_ID', message: 'it is not [hidden]' },
      ],
    });
    expect(await recordsOf(organization)).toMatchObject([
      { outcome: AuditOutcome.FAILED, details: { reason: 'AWS_REFUSED' } },
    ]);
  });

  test('the platform runner is not connected, and it is said where to look', async () => {
    const offline = {
      reason: 'RUNNER_OFFLINE',
      message: 'it has never connected',
      hint: 'planton runner start',
    };
    for (const carry of [
      () => [failed(OFFLINE, offline, 0)],
      () => {
        throw missing('RUNNER_NOT_FOUND', 'the runner of the connection does not exist, or was revoked');
      },
    ] satisfies Carry[]) {
      const error = await refusalOf(issue(await trusted(carry)));
      expect(error).toMatchObject({ kind: 'unavailable', reason: 'PLATFORM_RUNNER_OFFLINE' });
      expect(error.message).toContain('the platform runner, which opens its sessions, is not connected');
      expect(error.hint).toContain('log of the server');
      expect(error.hint).toContain('AWS identity');
    }
  });

  test.each([
    ['DEADLINE_EXCEEDED', DEADLINE, 'unavailable'],
    ['RUNNER_BUSY', DEADLINE, 'unavailable'],
    ['AWS_UNAVAILABLE', TRANSIENT, 'unavailable'],
    ['PANIC', INTERNAL, 'unavailable'],
    ['ROLE_ARN_INVALID', INVALID, 'state'],
    ['KIND_UNKNOWN', REFUSED, 'state'],
  ])('an operation that ends with %s', async (reason, kind, expected) => {
    const organization = await failing({ reason, message: 'what was observed' }, kind);
    const error = await refusalOf(issue(organization));
    expect(error).toMatchObject({ kind: expected, reason, message: 'connection "a": what was observed' });
    expect(error.hint).not.toBe('');
  });

  test('AWS refuses the session policy, and so is the field named', async () => {
    const organization = await failing(
      { reason: 'SESSION_POLICY_REFUSED', message: 'the packed policy is too large', hint: '' },
      INVALID,
    );
    const error = await refusalOf(issue(organization));
    expect(error).toMatchObject({
      kind: 'invalid',
      reason: 'SESSION_POLICY_REFUSED',
      violations: [{ field: 'session_policy', message: 'the packed policy is too large' }],
    });
  });

  test.each(['{', '[]', ' ', '{"Statement":[]}', 'x'.repeat(2_048)])(
    'a session policy that is none is refused before anything is asked: %.20s',
    async (sessionPolicy) => {
      const organization = await trusted(openingSessions());
      const before = [service().config.calls.length, service().runners.runs.length];
      const error = await refusalOf(issue(organization, { sessionPolicy }));
      expect(error).toMatchObject({
        kind: 'invalid',
        reason: 'SESSION_POLICY_INVALID',
        violations: [{ field: 'session_policy' }],
      });
      expect([service().config.calls.length, service().runners.runs.length]).toEqual(before);
    },
  );

  test('a connection without an external ID assumes nothing', async () => {
    const organization = await trusted(openingSessions(), { externalId: undefined });
    const before = service().runners.runs.length;
    expect(await refusalOf(issue(organization))).toMatchObject({
      kind: 'state',
      reason: 'EXTERNAL_ID_MISSING',
    });
    expect(service().runners.runs).toHaveLength(before);
  });

  test('services that do not answer are unavailable, and asked again', async () => {
    const organization = await trusted(openingSessions());
    service().config.fault = (method) => (method === 'resolve' ? 'before' : undefined);
    expect((await refusalOf(issue(organization))).kind).toBe('unavailable');
    service().config.fault = () => undefined;
    service().runners.fault = (method) => (method === 'run' ? 'before' : undefined);
    expect((await refusalOf(issue(organization))).kind).toBe('unavailable');
    service().runners.fault = () => undefined;
    expect((await issue(organization)).connection).toBe('a');
  });

  test('a failure reaches all who wait, is on record for each, and is not kept', async () => {
    const gate = Promise.withResolvers<void>();
    const organization = await trusted(async function* () {
      await gate.promise;
      yield failed(TRANSIENT, { reason: 'AWS_UNAVAILABLE', message: 'throttled' });
    });
    const before = service().runners.runs.length;
    const { sessions, taken } = countTakes(service().deps, 50);
    const admin = await service().clientWith({ ...service().deps, sessions }, organization);
    const asked = Array.from({ length: 50 }, () => refusalOf(issue({ ...organization, admin })));
    await taken;
    gate.resolve();
    for (const error of await Promise.all(asked)) expect(error.reason).toBe('AWS_UNAVAILABLE');
    expect(service().runners.runs.length - before).toBe(1);
    expect(await recordsOf(organization)).toHaveLength(50);
    service().runners.carry = openingSessions();
    expect((await issue(organization)).credentials).toMatchObject({ value: { sessionToken: tokenOf(1) } });
  });

  describe('what the platform runner answers is not believed', () => {
    const cases: readonly (readonly [string, SessionFacts, string])[] = [
      [
        'a session of another account',
        { arn: 'arn:aws:sts::999999999999:assumed-role/r/s' },
        'the session is of another account',
      ],
      ['an ARN that names no session', { arn: `arn:aws:iam::123456789012:user/x` }, 'it names no session'],
      ['no ARN', { arn: '' }, 'the ARN of the session is empty'],
      ['a key that lasts', { accessKeyId: 'AKIAIOSFODNN7EXAMPLE' }, 'session_token is given'],
      ['a key without its token', { sessionToken: '' }, 'session_token is empty'],
      ['what is no key', { accessKeyId: 'ASIA' }, 'access_key_id is 4 characters long'],
      ['what is no message', { plaintext: new Uint8Array([0xff, 0xff, 0xff]) }, 'is no credentials'],
      ['nothing', { plaintext: new Uint8Array() }, 'access_key_id is empty'],
      ['what was sealed for another attempt', { sealedAttempt: 2 }, 'was not sealed to whoever asked'],
    ];
    test.each(cases)('%s', async (_, facts, message) => {
      const organization = await trusted(openingSessions(() => facts));
      const logged = service().log.length;
      expect(await refusalOf(issue(organization))).toMatchObject({ kind: 'internal' });
      const log = service().log.slice(logged).join('\n');
      expect(log).toContain(message);
      expect(log).not.toContain(SECRET_KEY);
      expect(log).not.toContain(EXTERNAL_ID);
      expect(log).not.toContain(tokenOf(1));
    });

    test('what was sealed to someone else', async () => {
      const { publicKey } = await makeResultKey();
      const organization = await trusted(openingSessions(() => ({ publicKey })));
      expect(await refusalOf(issue(organization))).toMatchObject({ kind: 'internal' });
    });

    test('an end that has passed', async () => {
      const organization = await trusted(openingSessions(() => ({ expireTime: new Date(Date.now() - 1) })));
      expect(await refusalOf(issue(organization))).toMatchObject({
        kind: 'unavailable',
        reason: 'SESSION_OVER',
      });
    });

    test.each<[string, Carry]>([
      ['an answer of another kind', () => [succeeded(create(VerifyAwsAccessOutputSchema))]],
      ['an end without an output', () => []],
      [
        'an operation that ended for no reason',
        () => [{ event: { case: 'end', value: { operation: { state: OperationState.CANCELLED } } } }],
      ],
    ])('%s', async (_, carry) => {
      const error = await refusalOf(issue(await trusted(carry)));
      expect(['internal', 'unavailable']).toContain(error.kind);
    });
  });

  test('whoever is revoked while the session is opened gets nothing, though others wait for the same one', async () => {
    const gate = Promise.withResolvers<void>();
    const open = openingSessions();
    const organization = await trusted(async function* (...given) {
      await gate.promise;
      yield* open(...given);
    });
    const { platform, deps } = service();
    const { sessions, taken } = countTakes(deps, 2);
    const ada = { uid: 'ada-of-two-keys', name: 'ada' };
    const clientOf = (apiKeyUid: string) =>
      service().clientWith({ ...deps, sessions }, organization, { ...ada, apiKeyUid });
    const opened = issue({ ...organization, admin: await clientOf('key-that-stays') });
    const refused = refusalOf(issue({ ...organization, admin: await clientOf('key-that-goes') }));
    await taken;
    await platform.revoke('key-that-goes');
    gate.resolve();
    expect(await refused).toMatchObject({ kind: 'unauthenticated', reason: 'TOKEN_REVOKED' });
    expect((await opened).connection).toBe('a');
  });

  test('no record, no credentials', async () => {
    const organization = await trusted(openingSessions());
    const { deps } = service();
    let recorded = 0;
    const audit = {
      record: async () => {
        recorded += 1;
        throw new Error('the disk is full');
      },
    };
    const client = await service().clientWith({ ...deps, audit }, organization);
    for (const cold of [true, false]) {
      const error = await refusalOf(issue({ ...organization, admin: client }));
      expect([cold, error.kind]).toEqual([cold, 'internal']);
    }
    // Each call tried to record its success, and then its failure.
    expect(recorded).toBe(4);
  });

  test('nothing that is secret is stored or logged', async () => {
    const organization = await trusted(openingSessions());
    await issue(organization);
    await issue(organization);
    const rows = await service().database.query.selectFrom('audit_record').selectAll().execute();
    const everything = JSON.stringify([rows, service().log]);
    for (const secret of [EXTERNAL_ID, SECRET_KEY, tokenOf(1), 'ASIAIOSFODNN7EXAMPLE']) {
      expect(everything).not.toContain(secret);
    }
  });
});
