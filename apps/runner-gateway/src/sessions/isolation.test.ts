import { OperationState } from '@planton/api/runner/v1/operation';
import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import { openPostgres } from '@planton/database';
import { describe, expect, test } from 'vitest';
import { openFakeSession, PONG } from '../testing/fake-runner.ts';
import { startProxy } from '../testing/start-proxy.ts';
import { until, useTestGateway } from '../testing/use-test-gateway.ts';

const input = { kind: { case: 'ping' as const, value: {} } };

describe('a replica that is cut off from the database', () => {
  const gateway = useTestGateway('postgres');

  test('gives nothing out, closes its sessions, and comes back by itself', { timeout: 90_000 }, async () => {
    const url = new URL(gateway().databaseUrl());
    const proxy = await startProxy(Number(url.port));
    url.port = String(proxy.port);
    const engine = openPostgres({ applicationName: 'isolated', url: url.href, connectTimeout: 1_000 });
    const isolated = await gateway().startReplica({ engine });
    const pool = await gateway().newPool();
    const session = await pool.connect(isolated, { hello: { maxInFlight: 5 } });
    const healthy = await gateway().replica.as(pool.member);
    const order = { org: pool.org.slug, runner: pool.runner, input, timeout: { seconds: 60n } };

    const running = healthy.executeOperation(order);
    const assignment = await session.next('assignment');
    proxy.swallow();
    await until(async () => !(await isolated.gateway.ready()));
    const waiting = healthy.executeOperation(order);
    session.result(assignment, PONG);
    const asked = (await isolated.as(pool.member)).executeOperation(order).catch((error: unknown) => error);
    expect((await session.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.UNAVAILABLE);
    expect(session.received.filter(({ frame }) => frame.case === 'assignment')).toHaveLength(1);
    expect(session.received.filter(({ frame }) => frame.case === 'ack')).toHaveLength(0);
    const refused = openFakeSession(isolated.listener.url, session.identity);
    refused.hello();
    expect((await refused.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.UNAVAILABLE);

    const unacknowledged = assignment.attempt ? [assignment.attempt] : [];
    const moved = await pool.connect(undefined, { identity: session.identity, hello: { unacknowledged } });
    expect((await moved.next('reconcile')).keep).toEqual(unacknowledged);
    moved.result(assignment, PONG);
    moved.result(await moved.next('assignment'), PONG);
    expect((await running).operation).toMatchObject({ state: OperationState.SUCCEEDED, attempt: 1 });
    expect((await waiting).operation).toMatchObject({ state: OperationState.SUCCEEDED, attempt: 1 });

    proxy.restore();
    await until(() => isolated.gateway.ready());
    const back = await pool.connect(isolated, { identity: session.identity });
    expect((await moved.ended).goodbye?.reason).toBe(GatewayGoodbyeReason.SUPERSEDED);
    back.cut();
    await asked;
    await proxy.close();
  });
});
