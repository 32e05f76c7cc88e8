import { create } from '@bufbuild/protobuf';
import {
  AwsAccessVerdict,
  OperationState,
  OperationStepState,
  SealedOutputSchema,
} from '@planton/api/runner/v1/operation';
import type { RunConnectionOperationResponse } from '@planton/api/runner/v1/runner_service';
import type { Result } from '@planton/api/runner/v1/session';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { PLATFORM_RUNNER_UID } from '../runners/runner.ts';
import { type FakeSession, openFakeSession } from '../testing/fake-runner.ts';
import { refusalOf, type TestPool, until, useTestGateway } from '../testing/use-test-gateway.ts';

const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
const region = { accountId: '123456789012', region: 'us-west-2' };
const accessKey = {
  case: 'accessKey' as const,
  value: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: SECRET },
};
const verify = (method: object = accessKey) => ({
  kind: { case: 'verifyAwsAccess', value: { ...region, authentication: { method } } },
});
const role = { roleArn: 'arn:aws:iam::123456789012:role/x', externalId: 'ext', sessionName: 'planton' };
const issue = (given: object = {}) => ({
  kind: { case: 'issueAwsCredentials', value: { ...region, role: { ...role, ...given } } },
});
const trust = (given: object = {}) => ({
  kind: { case: 'verifyAwsTrust', value: { ...region, role: { ...role, ...given }, probe: true } },
});
const describeIdentity = { kind: { case: 'describeAwsIdentity', value: { region: 'us-west-2' } } };
const VERIFIED: Result['outcome'] = {
  case: 'succeeded',
  value: {
    kind: {
      case: 'verifyAwsAccess',
      value: { verdict: AwsAccessVerdict.VERIFIED, accountId: '123456789012' },
    },
  } as never,
};
const ISSUED: Result['outcome'] = {
  case: 'succeeded',
  value: { kind: { case: 'issueAwsCredentials', value: { arn: 'arn:session' } } } as never,
};

describe.each(engines)('operations of connections on %s', (kind) => {
  const gateway = useTestGateway(kind);
  const ask = (pool: TestPool, given: object = {}, signal?: AbortSignal) =>
    gateway()
      .replica.asService('connection-service')
      .runConnectionOperation(
        {
          organizationUid: pool.org.uid,
          runnerUid: pool.runnerUid,
          connectionUid: 'connection-1',
          connection: 'my-aws-connection',
          input: verify(),
          timeout: { seconds: 20n },
          ...given,
        } as never,
        signal ? { signal } : {},
      );
  const collect = async (events: AsyncIterable<RunConnectionOperationResponse>) => {
    const collected: RunConnectionOperationResponse['event'][] = [];
    for await (const { event } of events) collected.push(event);
    return collected;
  };
  const step = (session: FakeSession, attempt: object | undefined, name: string) =>
    session.send({
      case: 'output',
      value: { attempt: attempt ?? {}, step: { name, state: OperationStepState.PASSED, detail: 'fine' } },
    });

  test('the operation comes first, then its steps as they come, then its end', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const events = collect(ask(pool));
    const { attempt, input } = await session.next('assignment');
    expect(
      input?.kind.case === 'verifyAwsAccess' && input.kind.value.authentication?.method.value,
    ).toMatchObject({
      secretAccessKey: SECRET,
    });
    for (const name of ['one', 'two', 'three']) step(session, attempt, name);
    session.result({ attempt } as never, VERIFIED);
    const all = await events;
    expect(all.map((event) => (event.case === 'step' ? event.value.name : event.case))).toEqual([
      'operation',
      'one',
      'two',
      'three',
      'end',
    ]);
    expect(all.at(-1)).toMatchObject({
      value: {
        operation: {
          state: OperationState.SUCCEEDED,
          connection: 'my-aws-connection',
          requestedBy: 'connection-service',
          output: { kind: { case: 'verifyAwsAccess', value: { verdict: AwsAccessVerdict.VERIFIED } } },
        },
      },
    });
    const uid = attempt?.operationUid ?? '';
    const client = await gateway().replica.as(pool.member);
    const read = await client.getOperation({ org: pool.org.slug, operationUid: uid });
    expect(read.steps.map(({ name, detail }) => [name, detail])).toEqual([
      ['one', 'fine'],
      ['two', 'fine'],
      ['three', 'fine'],
    ]);
    const watched: string[] = [];
    for await (const { event } of client.watchOperation({ org: pool.org.slug, operationUid: uid }))
      watched.push(event.case === 'step' ? event.value.name : `${event.case}`);
    expect(watched).toEqual(['one', 'two', 'three', 'operation']);
    session.cut();
  });

  test('credentials that go in are sealed while it runs and gone afterwards', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const events = collect(ask(pool));
    const { attempt } = await session.next('assignment');
    const stored = async () =>
      gateway()
        .database.query.selectFrom('operation')
        .selectAll()
        .where('uid', '=', attempt?.operationUid ?? '')
        .executeTakeFirstOrThrow();
    const running = await stored();
    expect(running.payload?.includes(Buffer.from(SECRET))).toBe(false);
    session.result({ attempt } as never, VERIFIED);
    await events;
    expect((await stored()).payload).toBeNull();
    expect(gateway().log.join('\n')).not.toContain(SECRET);
    session.cut();
  });

  test('an external ID is sealed while it runs and gone afterwards, like a key', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const externalId = 'external-id-canary-0a1b2c';
    const events = collect(ask(pool, { input: trust({ externalId }) }));
    const { attempt, input } = await session.next('assignment');
    expect(input?.kind).toMatchObject({
      case: 'verifyAwsTrust',
      value: { role: { externalId }, probe: true },
    });
    const stored = async () =>
      gateway()
        .database.query.selectFrom('operation')
        .selectAll()
        .where('uid', '=', attempt?.operationUid ?? '')
        .executeTakeFirstOrThrow();
    expect((await stored()).payload?.includes(Buffer.from(externalId))).toBe(false);
    const outcome = { kind: { case: 'verifyAwsTrust', value: { arn: 'arn:session' } } };
    session.result({ attempt } as never, { case: 'succeeded', value: outcome as never });
    await events;
    expect((await stored()).payload).toBeNull();
    expect(gateway().log.join('\n')).not.toContain(externalId);
    session.cut();
  });

  test('a secret output goes to whoever waits, sealed, and is kept nowhere', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const resultPublicKey = new Uint8Array(32).fill(7);
    const events = collect(ask(pool, { input: issue(), resultPublicKey }));
    const assignment = await session.next('assignment');
    expect(assignment.resultPublicKey).toEqual(resultPublicKey);
    const sealedOutput = create(SealedOutputSchema, {
      encapsulatedKey: new Uint8Array(32).fill(1),
      ciphertext: new Uint8Array(100).fill(2),
    });
    session.result(assignment, ISSUED, { sealedOutput });
    const end = (await events).at(-1);
    expect(end?.case === 'end' && end.value.sealedOutput).toEqual(sealedOutput);
    const row = await gateway()
      .database.query.selectFrom('operation')
      .selectAll()
      .where('uid', '=', assignment.attempt?.operationUid ?? '')
      .executeTakeFirstOrThrow();
    expect(row.sealed_output).toBeNull();
    session.cut();
  });

  test('a result that lacks its secret output, or has one of its own, breaks the protocol', async () => {
    const pool = await gateway().newPool();
    const sealedOutput = create(SealedOutputSchema, { ciphertext: new Uint8Array(1) });
    const cases = [
      [{ input: issue(), resultPublicKey: new Uint8Array(32) }, ISSUED, {}, /lacks its sealed output/],
      [{ input: verify() }, VERIFIED, { sealedOutput }, /has a sealed output of its own/],
      [
        { input: issue(), resultPublicKey: new Uint8Array(32) },
        { case: 'cancelled', value: {} as never } as Result['outcome'],
        { sealedOutput },
        /holds a sealed output and did not succeed/,
      ],
    ] as const;
    for (const [given, outcome, rest, message] of cases) {
      const session = await pool.connect();
      const leave = new AbortController();
      const events = collect(ask(pool, given, leave.signal)).catch(() => {});
      session.result(await session.next('assignment'), outcome, rest);
      expect((await session.ended).goodbye?.message).toMatch(message);
      leave.abort();
      await events;
    }
  });

  test('the platform runner is reached by services alone, and is never asked for what it refuses', async () => {
    const pool = await gateway().newPool();
    const { database, authority } = gateway();
    const identity = await pool.addInstance();
    await database.query
      .updateTable('runner_instance')
      .set({ runner_uid: PLATFORM_RUNNER_UID, organization_uid: '' })
      .where('uid', '=', identity.instanceUid)
      .execute();
    expect(authority.caBundle).toContain('CERTIFICATE');
    const session = openFakeSession(gateway().replica.listener.url, identity);
    session.hello();
    await session.next('welcome');
    const events = collect(ask(pool, { runnerUid: '' }));
    session.result(await session.next('assignment'), VERIFIED);
    expect((await events).at(-1)).toMatchObject({ value: { operation: { runner: '' } } });
    const chain = { input: verify({ case: 'defaultChain', value: {} }), runnerUid: '' };
    expect((await refusalOf(collect(ask(pool, chain)))).kind).toBe('internal');
    const open = { input: issue({ externalId: '' }), runnerUid: '', resultPublicKey: new Uint8Array(32) };
    expect((await refusalOf(collect(ask(pool, open)))).kind).toBe('internal');
    const unguarded = { input: trust({ externalId: '' }), runnerUid: '' };
    expect((await refusalOf(collect(ask(pool, unguarded)))).kind).toBe('internal');
    for (const [given, outcome] of [
      [trust(), { case: 'verifyAwsTrust', value: { arn: 'arn:session', takesSessionTags: true } }],
      [describeIdentity, { case: 'describeAwsIdentity', value: { arn: 'arn:runner' } }],
    ] as const) {
      const answered = collect(ask(pool, { input: given, runnerUid: '' }));
      const value = { kind: outcome } as never;
      session.result(await session.next('assignment'), { case: 'succeeded', value });
      const output = { kind: outcome };
      expect((await answered).at(-1)).toMatchObject({
        value: { operation: { state: OperationState.SUCCEEDED, output } },
      });
    }
    expect((await refusalOf(collect(ask(pool, { runnerUid: PLATFORM_RUNNER_UID })))).reason).toBe(
      'RUNNER_NOT_FOUND',
    );
    session.cut();
  });

  test('what is not allowed is refused before anything is on record', async () => {
    const pool = await gateway().newPool();
    const other = await gateway().newPool();
    const reason = async (given: object) => (await refusalOf(collect(ask(pool, given)))).reason;
    expect(await reason({ runnerUid: other.runnerUid })).toBe('RUNNER_NOT_FOUND');
    expect(await reason({ runnerUid: 'gone' })).toBe('RUNNER_NOT_FOUND');
    expect(await reason({ timeout: { seconds: 31n } })).toBe('TIMEOUT_TOO_LONG');
    expect(await reason({ timeout: { seconds: 31n }, input: trust() })).toBe('TIMEOUT_TOO_LONG');
    expect(await reason({ input: trust(), resultPublicKey: new Uint8Array(32) })).toBe('RESULT_KEY_INVALID');
    expect(await reason({ input: issue() })).toBe('RESULT_KEY_INVALID');
    expect(await reason({ input: issue(), resultPublicKey: new Uint8Array(31) })).toBe('RESULT_KEY_INVALID');
    expect(await reason({ resultPublicKey: new Uint8Array(32) })).toBe('RESULT_KEY_INVALID');
    expect(await reason({ timeout: undefined })).toBe('VALIDATION_FAILED');
    const member = await gateway().replica.as(pool.member);
    const asked = member.runConnectionOperation({
      organizationUid: pool.org.uid,
      connectionUid: 'c',
      connection: 'c',
      input: verify() as never,
      timeout: { seconds: 1n },
    });
    expect((await refusalOf(collect(asked))).reason).toBe('SERVICE_ONLY');
    const { count } = await gateway()
      .database.query.selectFrom('operation')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('organization_uid', '=', pool.org.uid)
      .executeTakeFirstOrThrow();
    expect(count).toBe(0);
  });

  test('a caller that leaves is forgotten, and the operation goes on', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const leave = new AbortController();
    const events = collect(ask(pool, {}, leave.signal)).catch(() => {});
    const assignment = await session.next('assignment');
    leave.abort();
    await events;
    session.result(assignment, VERIFIED);
    const client = await gateway().replica.as(pool.member);
    const named = { org: pool.org.slug, operationUid: assignment.attempt?.operationUid ?? '' };
    await until(async () => (await client.getOperation(named)).operation?.state === OperationState.SUCCEEDED);
    session.cut();
  });

  test('the steps of an attempt go on where they were when its runner comes back', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const events = collect(ask(pool));
    const assignment = await session.next('assignment');
    step(session, assignment.attempt, 'before');
    const client = await gateway().replica.as(pool.member);
    const named = { org: pool.org.slug, operationUid: assignment.attempt?.operationUid ?? '' };
    await until(async () => (await client.getOperation(named)).steps.length === 1);
    session.cut();
    const back = await pool.connect(undefined, {
      identity: session.identity,
      hello: { inFlight: assignment.attempt ? [assignment.attempt] : [] },
    });
    step(back, assignment.attempt, 'after');
    back.result(assignment, VERIFIED);
    expect((await events).map((event) => (event.case === 'step' ? event.value.name : event.case))).toEqual([
      'operation',
      'before',
      'after',
      'end',
    ]);
    expect((await client.getOperation(named)).steps.map(({ name }) => name)).toEqual(['before', 'after']);
    back.cut();
  });

  test('more steps than anyone reads are dropped', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const events = collect(ask(pool));
    const assignment = await session.next('assignment');
    for (let i = 0; i < 250; i++) step(session, assignment.attempt, `step ${i}`);
    session.result(assignment, VERIFIED);
    expect((await events).filter((event) => event.case === 'step')).toHaveLength(200);
    session.cut();
  });
});
