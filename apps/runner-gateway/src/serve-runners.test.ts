import { connect as connectHttp2 } from 'node:http2';
import { connect as connectTcp, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import { createClient } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { serve } from '@planton/rpc';
import { describe, expect, test } from 'vitest';
import { issueInstanceCertificate } from './certificates/issue-instance-certificate.ts';
import { makeAuthority, openSigner } from './certificates/make-authority.ts';
import { makeRequest } from './certificates/testing/make-request.ts';
import { openFakeSession, PONG, type RunnerIdentity } from './testing/fake-runner.ts';
import { until, useTestGateway } from './testing/use-test-gateway.ts';

/** The first bytes of a handshake that never goes on: a record that promises more than it holds. */
const HALF_A_RECORD = Buffer.from([0x16, 3, 1, 2, 0, 1, 0]);
const WHOLE_NONSENSE = Buffer.from([0x16, 3, 1, 0, 4, 9, 9, 9, 9]);

describe('the listener for runners', () => {
  const gateway = useTestGateway('pglite');
  const port = () => gateway().replica.listener.port;
  const knock = (bytes: Buffer | string): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectTcp(port(), '127.0.0.1', () => socket.write(bytes));
      socket.on('error', () => {});
      socket.on('close', () => resolve());
      socket.resume();
    });
  const renewAs = (identity: Partial<RunnerIdentity>) => {
    const nodeOptions = { ca: gateway().authority.caBundle, cert: identity.cert, key: identity.key };
    const transport = createGrpcTransport({ baseUrl: gateway().replica.listener.url, nodeOptions });
    return createClient(RunnerGateway, transport).renewCertificate({});
  };
  /** What an instance would have that another authority knows, or this one with other times. */
  const forge = async (given: { foreign?: boolean; now?: Date }): Promise<RunnerIdentity> => {
    const { publicKey, privateKey } = await makeRequest();
    const issue = {
      publicKey,
      instanceUid: 'instance-1',
      generation: 1,
      commonName: 'x',
      now: given.now ?? new Date(),
    };
    const ours = gateway().authority;
    let signed = await ours.issueInstanceCertificate(issue);
    if (given.foreign) {
      const made = await makeAuthority({ uid: 'foreign', now: new Date() });
      signed = await issueInstanceCertificate(await openSigner(made.certificate, made.privateKey), issue);
    }
    const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    return { instanceUid: 'instance-1', ca: ours.caBundle, cert: signed.certificate, key };
  };

  test('takes nobody without a certificate of its own authority that is good now', async () => {
    const pool = await gateway().newPool();
    const good = await pool.addInstance();
    expect((await renewAs(good)).certificate?.generation).toBe(2);
    await expect(renewAs({})).rejects.toThrow(/certificate required/);
    const dayMs = 86_400_000;
    for (const identity of [
      await forge({ foreign: true }),
      await forge({ now: new Date(Date.now() - 8 * dayMs) }),
      await forge({ now: new Date(Date.now() + dayMs) }),
      await forge({ foreign: true, now: new Date(Date.now() - 8 * dayMs) }),
    ])
      await expect(renewAs(identity)).rejects.toThrow();
    const server = await gateway().authority.issueGatewayCertificate({
      hosts: ['localhost'],
      now: new Date(),
    });
    await expect(renewAs(server)).rejects.toThrow();
  });

  test('takes the certificate of an instance that it does not know no further', async () => {
    await expect(renewAs(await forge({}))).rejects.toThrow(/not known/);
  });

  test('shows a certificate that is good for its address, and of the authority that runners are given', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    expect(session.received[0]?.frame.case).toBe('welcome');
    session.cut();
  });

  const tlsTo = (options: ConnectionOptions): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connectTls({ host: '127.0.0.1', port: port(), ...options }, () => resolve(socket));
      socket.on('error', reject);
    });

  test('speaks HTTP/2 alone, over TLS 1.2 at the least', async () => {
    const { ca, cert, key } = await (await gateway().newPool()).addInstance();
    await expect(tlsTo({ ca, cert, key, ALPNProtocols: ['http/1.1'] })).rejects.toThrow();
    await expect(
      tlsTo({ ca, cert, key, ALPNProtocols: ['h2'], maxVersion: 'TLSv1.1', minVersion: 'TLSv1' }),
    ).rejects.toThrow();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = await tlsTo({
        ca,
        cert,
        key,
        ALPNProtocols: ['h2'],
        minVersion: version,
        maxVersion: version,
      });
      expect([socket.alpnProtocol, socket.getProtocol()]).toEqual(['h2', version]);
      socket.destroy();
    }
    const silent = await tlsTo({ ca, cert, key });
    await new Promise((resolve) => silent.on('close', resolve).resume());
  });

  test('resumes no connection: the certificate of back then would pass for today’s', async () => {
    const { ca, cert, key } = await (await gateway().newPool()).addInstance();
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const options = { ca, cert, key, ALPNProtocols: ['h2'], minVersion: version, maxVersion: version };
      const first = await tlsTo(options);
      const ticket = await new Promise<Buffer | undefined>((resolve) => {
        first.on('session', resolve);
        first.resume();
        setTimeout(() => resolve(first.getSession()), 300);
      });
      first.destroy();
      const second = await tlsTo({ ...options, ...(ticket ? { session: ticket } : {}) });
      expect(second.isSessionReused()).toBe(false);
      second.destroy();
    }
  });

  test('drops a thousand connections of garbage, and half of a handshake, without harm to a session', async () => {
    const pool = await gateway().newPool();
    const session = await pool.connect();
    const slow: Socket[] = [];
    for (let i = 0; i < 300; i++) {
      const socket = connectTcp(port(), '127.0.0.1', () => socket.write(HALF_A_RECORD));
      socket.on('error', () => {});
      slow.push(socket);
    }
    const garbage = [
      'GET / HTTP/1.1\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      WHOLE_NONSENSE,
      Buffer.alloc(100),
    ];
    await Promise.all(Array.from({ length: 1_000 }, (_, i) => knock(garbage[i % garbage.length] ?? '')));
    const other = await pool.connect();
    const answer = (await gateway().replica.as(pool.member)).executeOperation({
      org: pool.org.slug,
      runner: pool.runner,
      input: { kind: { case: 'ping', value: {} } },
    });
    const taken = await Promise.race([
      session.next('assignment').then((assignment) => ({ by: session, assignment })),
      other.next('assignment').then((assignment) => ({ by: other, assignment })),
    ]);
    taken.by.result(taken.assignment, PONG);
    await answer;
    for (const socket of slow) socket.destroy();
    session.cut();
    other.cut();
    await until(() => gateway().replica.listener.counts().unproved === 0);
    expect(gateway().log.filter((line) => line.includes('were dropped')).length).toBeLessThan(5);
  });

  test('answers a request that is none with as little as possible', async () => {
    const { ca, cert, key } = await (await gateway().newPool()).addInstance();
    const session = connectHttp2(gateway().replica.listener.url, { ca, cert, key });
    session.on('error', () => {});
    const ask = (headers: Record<string, string>) =>
      new Promise<number | string | undefined>((resolve) => {
        const stream = session.request(headers);
        stream.on('response', (answer) => resolve(answer[':status']));
        stream.on('error', (error: NodeJS.ErrnoException) => resolve(error.code));
        stream.end();
      });
    expect(await ask({ ':path': '/' })).toBe(404);
    expect(await ask({ ':path': `/${RunnerService.typeName}/ListRunners`, ':method': 'POST' })).toBe(404);
    const open = { ':path': `/${RunnerGateway.typeName}/OpenSession`, ':method': 'POST' };
    expect(await ask({ ...open, 'content-type': 'text/plain' })).toBe(415);
    await ask({ ...open, ':authority': 'a b[', 'content-type': 'application/grpc' });
    session.close();
    const after = openFakeSession(gateway().replica.listener.url, { instanceUid: '', ca, cert, key });
    after.hello();
    await after.next('welcome');
    after.cut();
  });

  test('is not the API: neither serves what belongs on the other', async () => {
    const { replica, platform } = gateway();
    const served = (service: typeof RunnerGateway) =>
      serve({
        address: '127.0.0.1:0',
        services: [service],
        routes: replica.gateway.gatewayRoutes,
        guard: platform.guard,
        ready: async () => true,
      });
    await expect(served(RunnerGateway)).rejects.toThrow(/for the mutual_tls listener/);
    const transport = platform.transportFor(replica.gateway.gatewayRoutes, await platform.serviceToken('x'));
    await expect(createClient(RunnerGateway, transport).renewCertificate({})).rejects.toThrow(
      /client certificate/,
    );
  });
});
