import { createRouterTransport } from '@connectrpc/connect';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { VerificationOutcome } from '@planton/api/connect/v1/connection_status';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import { createConnectionService } from './create-connection-service.ts';
import { awsConnection, awsOf, useTestService } from './testing/use-test-service.ts';

describe.each(engines)('the service on %s', (kind) => {
  const service = useTestService(kind);

  test('serves every RPC of its contract', async () => {
    const { deps, database } = service();
    const running = await createConnectionService({ ...deps, engine: database.engine });
    const served: string[] = [];
    createRouterTransport((router) => {
      running.routes(router);
      served.push(...router.handlers.map(({ method }) => method.name));
    });
    expect(served.sort()).toEqual(ConnectionService.methods.map(({ name }) => name).sort());
    expect(await running.ready()).toBe(true);
  });

  test('confirms after a restart what was committed before a crash, and ends when told to', async () => {
    const { deps, database, config, newOrganization } = service();
    const { admin, slug: org } = await newOrganization();
    config.fault = (method) => (method === 'commit' ? 'before' : undefined);
    const { connection } = await admin.applyConnection({ org, connection: awsConnection('a') });
    const uid = awsOf(connection).metadata?.uid ?? '';
    expect(config.owners.get(uid)?.confirmed).toBe(false);
    config.fault = () => undefined;
    await database.query.updateTable('reference_outbox').set({ attempt_time: sql<Date>`now()` }).execute();

    const running = await createConnectionService({ ...deps, engine: database.engine });
    running.start();
    await vi.waitFor(() => expect(config.owners.get(uid)?.confirmed).toBe(true), { timeout: 10_000 });
    await running.stop();
    const calls = config.calls.length;
    await running.stop();
    expect(config.calls).toHaveLength(calls);
  });

  test('verifies a new connection without being asked', async () => {
    const { deps, database, newOrganization, clientWith } = service();
    const organization = await newOrganization();
    const { slug: org } = organization;
    const verification = { everySeconds: 3_600, afterChangeSeconds: 0, pollMs: 20 };
    const running = await createConnectionService({ ...deps, engine: database.engine, verification });
    running.start();
    const client = await clientWith({ ...deps, verification }, organization);
    await client.applyConnection({ org, connection: awsConnection('a') });
    await vi.waitFor(
      async () => {
        const { connection } = await client.getConnection({ org, connection: 'a' });
        expect(awsOf(connection).status?.verification?.outcome).toBe(VerificationOutcome.VERIFIED);
      },
      { timeout: 20_000 },
    );
    await running.stop();
  });
});
