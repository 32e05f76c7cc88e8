import { durationMs, timestampDate } from '@bufbuild/protobuf/wkt';
import { OperationKind } from '@planton/api/runner/v1/operation';
import { AckDisposition, GatewayGoodbyeReason, RunnerGoodbyeReason } from '@planton/api/runner/v1/session';
import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { type FakeSession, openFakeSession, PONG } from '../testing/fake-runner.ts';
import { type TestPool, until, useTestGateway } from '../testing/use-test-gateway.ts';

const reasonOf = async (session: FakeSession) => {
  const { goodbye } = await session.ended;
  return goodbye && { reason: goodbye.reason, message: goodbye.message };
};

describe.each(engines)('sessions on %s', (kind) => {
  const gateway = useTestGateway(kind, {
    overrides: { times: { helloMs: 700, lingerMs: 500 }, sessionLimits: { perRunner: 3 } },
  });
  const open = async (pool: TestPool) =>
    openFakeSession(gateway().replica.listener.url, await pool.addInstance());
  const sessionRow = (instanceUid: string) =>
    gateway()
      .database.query.selectFrom('session')
      .selectAll()
      .where('instance_uid', '=', instanceUid)
      .executeTakeFirst();
  const instanceRow = (uid: string) =>
    gateway()
      .database.query.selectFrom('runner_instance')
      .selectAll()
      .where('uid', '=', uid)
      .executeTakeFirstOrThrow();
  const ping = async (pool: TestPool, timeoutSeconds = 20n) =>
    (await gateway().replica.as(pool.member)).executeOperation({
      org: pool.org.slug,
      runner: pool.runner,
      input: { kind: { case: 'ping', value: {} } },
      timeout: { seconds: timeoutSeconds },
    });

  test('a hello is welcomed, put on record, and taken off at the end', async () => {
    const pool = await gateway().newPool();
    const session = await open(pool);
    session.hello({ version: '1.2.3', host: { hostname: 'box', cpus: 2 } });
    const welcome = await session.next('welcome');
    expect(welcome.gatewayUid).toBe(gateway().replica.gateway.replicaUid);
    expect(welcome.heartbeatInterval && durationMs(welcome.heartbeatInterval)).toBe(20_000);
    const days =
      ((welcome.renewAfterTime ? timestampDate(welcome.renewAfterTime).getTime() : 0) - Date.now()) /
      86_400_000;
    expect(days).toBeGreaterThan(3);
    expect(days).toBeLessThan(4);
    const { instanceUid } = session.identity;
    expect(await sessionRow(instanceUid)).toMatchObject({
      uid: welcome.sessionUid,
      runner_uid: pool.runnerUid,
      organization_uid: pool.org.uid,
      version: '1.2.3',
      max_in_flight: 10,
    });
    expect(await instanceRow(instanceUid)).toMatchObject({
      version: '1.2.3',
      host: { hostname: 'box', cpus: 2 },
      last_seen_time: null,
    });
    session.send({ case: 'heartbeat', value: { inFlight: 0 } });
    session.send({ case: 'goodbye', value: { reason: RunnerGoodbyeReason.SHUTDOWN } });
    expect(await session.ended).toEqual({ goodbye: undefined, error: undefined });
    await until(async () => (await sessionRow(instanceUid)) === undefined);
    expect((await instanceRow(instanceUid)).last_seen_time).toBeInstanceOf(Date);
    expect(session.received.map(({ sequence }) => sequence)).toEqual([1n]);
  });

  test('a connection that is gone is noticed, and another one is welcomed', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    first.cut();
    await until(async () => (await sessionRow(first.identity.instanceUid)) === undefined);
    const second = await pool.connect(undefined, { identity: first.identity });
    second.end();
    await until(async () => (await sessionRow(first.identity.instanceUid)) === undefined);
    expect((await second.ended).error).toBeUndefined();
  });

  const hello = { version: 'x', processUid: 'p', maxInFlight: 1 };
  const broken: [string, (session: FakeSession) => void, RegExp][] = [
    [
      'a first frame that is no hello',
      (s) => s.send({ case: 'heartbeat', value: {} }),
      /first frame has to be a hello/,
    ],
    [
      'a hello that is numbered 0',
      (s) => s.sendRaw({ frame: { case: 'hello', value: hello } }),
      /frame 1 is numbered 0/,
    ],
    ['a hello without a process', (s) => s.hello({ processUid: '' }), /not valid: .*process_uid/],
    ['a hello with room for nothing', (s) => s.hello({ maxInFlight: 0 }), /not valid: .*max_in_flight/],
    [
      'a frame of an unknown kind',
      (s) => s.sendRaw({ sequence: 1n }),
      /a kind that this gateway does not know/,
    ],
    [
      'a frame that is too large',
      (s) => s.hello({ version: 'x'.repeat(300 * 1024) }),
      /too large or cannot be read/,
    ],
    [
      'facts without end',
      (s) => s.hello({ host: { hostname: 'x'.repeat(5_000) } }),
      /facts about the host are too large/,
    ],
  ];
  test.each(broken)('%s ends the session at the start, saying why', async (_name, act, message) => {
    const pool = await gateway().newPool();
    const session = await open(pool);
    act(session);
    const ended = await reasonOf(session);
    expect(ended?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
    expect(ended?.message).toMatch(message);
    expect(await sessionRow(session.identity.instanceUid)).toBeUndefined();
  });

  const attempt = { operationUid: 'nobody', attempt: 1 };
  const result = (outcome: object) => ({ case: 'result', value: { attempt, ...outcome } }) as never;
  const brokenLater: [string, (session: FakeSession) => void, RegExp][] = [
    ['a second hello', (s) => s.hello(), /a second hello/],
    [
      'a gap',
      (s) => s.sendRaw({ sequence: 3n, frame: { case: 'heartbeat', value: {} } }),
      /frame 2 is numbered 3/,
    ],
    [
      'a repetition',
      (s) => s.sendRaw({ sequence: 1n, frame: { case: 'heartbeat', value: {} } }),
      /frame 2 is numbered 1/,
    ],
    [
      'an invalid heartbeat',
      (s) => s.send({ case: 'heartbeat', value: { inFlight: -1 } }),
      /not valid: heartbeat.in_flight/,
    ],
    ['an acceptance of nothing', (s) => s.send({ case: 'accepted', value: { attempt } }), /was not given/],
    [
      'a step of nothing',
      (s) => s.send({ case: 'output', value: { attempt, step: { name: 'x' } } }),
      /a step of attempt 1 of operation nobody, which this session was not given/,
    ],
    [
      'an invented result',
      (s) => s.send(result({ outcome: PONG })),
      /attempt 1 of operation nobody, which is not this instance's/,
    ],
    ['a result of nothing', (s) => s.send(result({})), /not valid: result.outcome/],
    [
      'an enormous frame',
      (s) => s.send(result({ outcome: { case: 'failed', value: { message: 'x'.repeat(300_000) } } })),
      /too large/,
    ],
  ];
  test.each(brokenLater)('%s ends the session, saying why, and no other', async (_name, act, message) => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const bystander = await pool.connect();
    act(session);
    const ended = await reasonOf(session);
    expect(ended?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
    expect(ended?.message).toMatch(message);
    await until(async () => (await sessionRow(session.identity.instanceUid)) === undefined);
    const answer = ping(pool);
    bystander.result(await bystander.next('assignment'), PONG);
    await answer;
    bystander.cut();
  });

  test('a runner that says no hello is sent away', async () => {
    const silent = await open(await gateway().newPool());
    const ended = await reasonOf(silent);
    expect(ended?.reason).toBe(GatewayGoodbyeReason.PROTOCOL);
    expect(ended?.message).toMatch(/no hello within/);
  });

  test('a runner that stays after its goodbye is cut', async () => {
    const session = await open(await gateway().newPool());
    session.stopReading();
    session.send({ case: 'heartbeat', value: {} });
    await until(() => gateway().replica.listener.counts().connections === 0);
    session.cut();
  });

  test('a newer session of the same instance supersedes the older', async () => {
    const pool = await gateway().newPool();
    const older = await pool.connect();
    const newer = await pool.connect(undefined, { identity: older.identity });
    expect((await reasonOf(older))?.reason).toBe(GatewayGoodbyeReason.SUPERSEDED);
    expect((await sessionRow(older.identity.instanceUid))?.uid).toBe(
      newer.received[0]?.frame.case === 'welcome' && newer.received[0].frame.value.sessionUid,
    );
    const answer = ping(pool);
    newer.result(await newer.next('assignment'), PONG);
    await answer;
    newer.cut();
  });

  test('a certificate that was replaced is good until its successor is used, and locks the instance afterwards', async () => {
    const pool = await gateway().newPool();
    const first = await pool.connect();
    const { certificate } = await first.renew();
    expect(certificate?.generation).toBe(2);
    const renewed = { ...first.identity, cert: certificate?.certificate ?? '' };
    const again = await pool.connect(undefined, { identity: first.identity });
    const welcome = again.received[0]?.frame;
    expect(
      welcome?.case === 'welcome' &&
        welcome.value.renewAfterTime &&
        timestampDate(welcome.value.renewAfterTime).getTime(),
    ).toBeLessThan(Date.now());
    const second = await pool.connect(undefined, { identity: renewed });
    const stale = openFakeSession(gateway().replica.listener.url, first.identity);
    stale.hello();
    expect((await reasonOf(stale))?.reason).toBe(GatewayGoodbyeReason.LOCKED);
    expect((await reasonOf(second))?.reason).toBe(GatewayGoodbyeReason.LOCKED);
    const late = openFakeSession(gateway().replica.listener.url, renewed);
    late.hello();
    expect((await reasonOf(late))?.reason).toBe(GatewayGoodbyeReason.LOCKED);
    const { query } = gateway().database;
    expect((await instanceRow(first.identity.instanceUid)).lock_time).toBeInstanceOf(Date);
    const audited = await query
      .selectFrom('audit_record')
      .select(['action', 'outcome'])
      .where('resource_uid', '=', first.identity.instanceUid)
      .where('action', '=', 'runner_instance.lock')
      .execute();
    expect(audited).toEqual([{ action: 'runner_instance.lock', outcome: 'denied' }]);
  });

  test('whoever was revoked, or is not known, is told so', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const revoked = await pool.addInstance();
    const gone = await pool.addInstance();
    await gateway()
      .database.query.deleteFrom('runner_instance')
      .where('uid', '=', gone.instanceUid)
      .execute();
    const client = await gateway().replica.as(pool.member);
    await client.revokeRunner({ org: pool.org.slug, runner: pool.runner, instanceUid: revoked.instanceUid });
    for (const identity of [revoked, gone]) {
      const refused = openFakeSession(gateway().replica.listener.url, identity);
      refused.hello();
      expect((await reasonOf(refused))?.reason).toBe(GatewayGoodbyeReason.REVOKED);
    }
    await client.revokeRunner({ org: pool.org.slug, runner: pool.runner });
    expect((await reasonOf(session))?.reason).toBe(GatewayGoodbyeReason.REVOKED);
  });

  test('deleting a runner ends its sessions', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    await (await gateway().replica.as(pool.member)).deleteRunner({ org: pool.org.slug, runner: pool.runner });
    expect((await reasonOf(session))?.reason).toBe(GatewayGoodbyeReason.REVOKED);
  });

  test('a registration has no more sessions than it may, and one that reconnects keeps its place', async () => {
    const pool = await gateway().newPool();
    const sessions = await Promise.all([pool.connect(), pool.connect(), pool.connect()]);
    const [first] = sessions;
    const fourth = await open(pool);
    fourth.hello();
    expect((await reasonOf(fourth))?.reason).toBe(GatewayGoodbyeReason.TOO_MANY_SESSIONS);
    const again = await pool.connect(undefined, { identity: first.identity });
    for (const session of [...sessions, again]) session.cut();
  });

  test('the same session is asked for by many at once: one of them has it at the end', async () => {
    const pool = await gateway().newPool();
    const identity = await pool.addInstance();
    const sessions = Array.from({ length: 12 }, () =>
      openFakeSession(gateway().replica.listener.url, identity),
    );
    for (const session of sessions) session.hello();
    const settled = await Promise.allSettled(sessions.map((session) => session.next('welcome')));
    expect(settled.every(({ status }) => status === 'fulfilled')).toBe(true);
    const row = await sessionRow(identity.instanceUid);
    const alive = sessions.filter(({ received }) => received.every(({ frame }) => frame.case !== 'goodbye'));
    await until(
      () => sessions.filter(({ received }) => received.at(-1)?.frame.case === 'goodbye').length === 11,
    );
    expect(
      sessions
        .filter(({ received }) => received.at(-1)?.frame.case === 'welcome')
        .map(({ received }) => {
          const frame = received.at(-1)?.frame;
          return frame?.case === 'welcome' && frame.value.sessionUid;
        }),
    ).toEqual([row?.uid]);
    for (const session of alive) session.cut();
  });

  test('a session that carries nothing out may carry out what it knows', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect(undefined, { hello: { kinds: [OperationKind.VERIFY_AWS_ACCESS] } });
    const capable = await pool.connect(undefined, { hello: { kinds: [OperationKind.PING] } });
    const answer = ping(pool);
    const assignment = await capable.next('assignment');
    capable.result(assignment, PONG);
    expect((await capable.next('ack')).disposition).toBe(AckDisposition.RECORDED);
    await answer;
    expect(session.received).toHaveLength(1);
    session.cut();
    capable.cut();
  });
});

describe('a runner that does not read', () => {
  const gateway = useTestGateway('postgres');

  test('is cut once too much waits for it', { timeout: 120_000 }, async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const answer = (await gateway().replica.as(pool.member)).executeOperation({
      org: pool.org.slug,
      runner: pool.runner,
      input: { kind: { case: 'ping', value: {} } },
    });
    const assignment = await session.next('assignment');
    session.result(assignment, PONG);
    await answer;
    session.stopReading();
    const row = () =>
      gateway()
        .database.query.selectFrom('session')
        .select('uid')
        .where('instance_uid', '=', session.identity.instanceUid)
        .executeTakeFirst();
    // Each is answered by an acknowledgement that nobody takes.
    for (let i = 0; i < 8_000; i++) session.result(assignment, PONG);
    await until(async () => (await row()) === undefined, 100_000);
    await until(() => gateway().replica.listener.counts().connections === 0);
    session.cut();
  });
});
