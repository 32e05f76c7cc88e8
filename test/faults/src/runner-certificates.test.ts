import { X509Certificate } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { Code, createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { RunnerInstanceState } from '@planton/api/runner/v1/runner';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { GatewayGoodbyeReason } from '@planton/api/runner/v1/session';
import { createKeyRequest, EnrolmentError, type RunnerCredentials, recoverRunner } from '@planton/enrolment';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { dialTls, HTTP2_GOAWAY, HTTP2_PREFACE } from './dial-tls.ts';
import { forgeCertificate, forgeries } from './forge-certificate.ts';
import { openRawSession, type RawSession } from './open-raw-session.ts';
import { ORG, type RunnerWorld, startRunnerWorld } from './prepare-runners.ts';
import { refusalOf } from './refusal.ts';
import { dialWithOpenssl } from './run-openssl.ts';
import { waitUntil } from './wait-until.ts';

// The listener for runners lets in whoever shows a certificate that the platform's authority signed, and nobody else; and who is let in is
// nobody but the instance that the certificate names.

let world: RunnerWorld;
let good: RunnerCredentials;
let victim: RunnerCredentials;
let address: string;
const sessions: RawSession[] = [];

const dial = (credentials: RunnerCredentials) => {
  const session = openRawSession(credentials);
  sessions.push(session);
  return session;
};
/** Calls of the instance, beside its session. */
const gatewayOf = (credentials: RunnerCredentials) =>
  createClient(
    RunnerGateway,
    createGrpcTransport({ baseUrl: `https://${address}`, nodeOptions: tlsOf(credentials) }),
  );
const tlsOf = ({ caBundle, certificate, privateKey }: RunnerCredentials) => ({
  ca: caBundle,
  cert: certificate,
  key: privateKey,
});

beforeAll(async () => {
  world = await startRunnerWorld();
  good = await world.enrol('pool');
  victim = await world.enrol('victim');
  address = world.platform.runnerAddress;
}, 120_000);
afterEach(async () => {
  for (const session of sessions.splice(0)) session.close();
  await world.pingGood();
});
afterAll(() => world?.stop());

/** What `openssl s_client` shows on standard output is what the server said, and nothing else. */
const quietly = ['-alpn', 'h2', '-ign_eof', '-brief'];
const http2 = `${HTTP2_PREFACE}${HTTP2_GOAWAY}`;

describe('certificates that the authority did not sign', () => {
  test.each(forgeries)('%s', async (kind) => {
    const forged = await forgeCertificate(kind, good, victim.instanceUid);
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      const outcome = await dialTls(address, { ca: good.caBundle, maxVersion, ...forged });
      expect(outcome.served).toBe(false);
    }
  });

  test('none at all', async () => {
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      const outcome = await dialTls(address, { ca: good.caBundle, maxVersion });
      expect(outcome.served).toBe(false);
      expect(outcome.error).toBeDefined();
    }
  });

  test('none at all, from openssl s_client, which is told so', async () => {
    const { code, stderr, stdout } = await dialWithOpenssl(address, { ca: good.caBundle }, [
      '-alpn',
      'h2',
      '-ign_eof',
    ]);
    expect(code).not.toBe(0);
    expect(`${stdout}${stderr}`).toMatch(/alert (certificate required|handshake failure)/);
  });

  test('of another authority, from openssl s_client', async () => {
    const forged = await forgeCertificate('of an authority of its own', good, victim.instanceUid);
    const { stdout } = await dialWithOpenssl(address, { ca: good.caBundle, ...forged }, quietly, http2);
    // An HTTP/2 server that serves speaks first.
    expect(stdout).toBe('');
  });

  test('the real one is served, by the same measure', async () => {
    const outcome = await dialTls(address, tlsOf(good));
    expect(outcome).toMatchObject({ served: true, alpn: 'h2', protocol: 'TLSv1.3' });
    const older = await dialTls(address, { ...tlsOf(good), maxVersion: 'TLSv1.2' });
    expect(older).toMatchObject({ served: true, protocol: 'TLSv1.2' });
    const { stdout } = await dialWithOpenssl(address, tlsOf(good), quietly, http2);
    expect(stdout).not.toBe('');
  });
});

describe('connections that are not as they should be', () => {
  test('TLS 1.1 and older', async () => {
    for (const version of ['TLSv1.1', 'TLSv1'] as const) {
      const old = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' };
      const { served, error } = await dialTls(address, { ...tlsOf(good), ...old });
      expect(served).toBe(false);
      expect(error).toMatch(/ALERT_PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL/);
    }
  });

  test('HTTP/1.1', async () => {
    const request = Buffer.from('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n');
    const offered = await dialTls(address, { ...tlsOf(good), ALPNProtocols: ['http/1.1'] }, request);
    expect(offered.served).toBe(false);
    expect(offered.error).toMatch(/NO_APPLICATION_PROTOCOL/);
    expect((await dialTls(address, { ...tlsOf(good), ALPNProtocols: [] }, request)).served).toBe(false);
  });

  test.each([
    ['HTTP/1.1 without TLS', Buffer.from('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['HTTP/2 without TLS', HTTP2_PREFACE],
    ['a banner of SSH', Buffer.from('SSH-2.0-OpenSSH_9.6\r\n')],
    [
      'a record of TLS that is none',
      Buffer.concat([Buffer.from([0x16, 3, 1, 0, 64]), Buffer.alloc(64, 0x2a)]),
    ],
    [
      'a record of TLS that is too long',
      Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), Buffer.alloc(70_000)]),
    ],
    ['SSL 2', Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10])],
  ])('%s', async (_name, bytes) => {
    const [host, port] = address.split(':');
    const heard = await new Promise<Buffer>((resolve) => {
      const socket = connectTcp({ host, port: Number(port) }, () => socket.write(bytes));
      let got = Buffer.alloc(0);
      socket.on('data', (chunk: Buffer) => {
        got = Buffer.concat([got, chunk]);
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(got));
    });
    // At most an alert of TLS.
    expect(heard.length).toBeLessThanOrEqual(7);
    if (heard.length > 0) expect(heard[0]).toBe(0x15);
  });

  test('sessions are not resumed', async () => {
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      const { served, tickets } = await dialTls(address, { ...tlsOf(good), maxVersion });
      expect(served).toBe(true);
      for (const session of tickets) {
        const again = await dialTls(address, { ...tlsOf(good), maxVersion, session });
        expect(again).toMatchObject({ served: true, reused: false });
      }
    }
    const { stdout } = await dialWithOpenssl(address, tlsOf(good), ['-alpn', 'h2', '-tls1_2', '-reconnect']);
    expect(stdout.match(/^New, TLSv1\.2/gm)?.length).toBeGreaterThanOrEqual(5);
    expect(stdout).not.toMatch(/^Reused/m);
  });
});

describe('each listener has its own RPCs', () => {
  test.each([
    '/planton.runner.v1.RunnerService/ListRunners',
    '/planton.runner.v1.RunnerService/EnrollRunner',
    '/planton.config.v1.ConfigManager/AccessSecret',
    '/planton.identity.v1.Identity/WhoAmI',
    '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    '/grpc.health.v1.Health/Check',
    '/readyz',
    '/',
  ])('the listener for runners has no %s, whatever key is shown', async (path) => {
    const session = await dial(good).open();
    const stream = session.http2.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc+proto',
      te: 'trailers',
      authorization: `Bearer ${world.platform.ownerKey()}`,
    });
    const status = await new Promise<unknown>((resolve, reject) => {
      stream.on('response', (headers) => resolve(headers[':status']));
      stream.on('error', reject);
      stream.end();
    });
    expect(status).toBe(404);
  });

  test('the API has no session for anyone', async () => {
    const headers = { authorization: `Bearer ${world.platform.ownerKey()}` };
    for (const make of [createGrpcTransport, createConnectTransport]) {
      const gateway = createClient(RunnerGateway, make({ baseUrl: world.platform.url, httpVersion: '2' }));
      const renewing = gateway.renewCertificate({}, { headers }).catch((error: unknown) => error);
      expect(await renewing).toMatchObject({ code: Code.Unimplemented });
      const opening = (async () => {
        const frames = (async function* () {
          yield {
            sequence: 1n,
            frame: { case: 'hello' as const, value: { processUid: 'x', maxInFlight: 1 } },
          };
        })();
        for await (const _ of gateway.openSession(frames, { headers })) expect.fail('it was answered');
      })().catch((error: unknown) => error);
      expect(await opening).toMatchObject({ code: Code.Unimplemented });
    }
  });
});

describe('who was let in is the instance that the certificate names', () => {
  const instancesOf = async (runner: string) => {
    const { instances } = await world.planton.runners.listRunnerInstances({
      org: ORG,
      runner,
      includeRefused: true,
    });
    return new Map(instances.map((instance) => [instance.uid, instance.state]));
  };
  const revoke = (runner: string, instanceUid = '') =>
    world.planton.runners.revokeRunner({ org: ORG, runner, instanceUid });
  const goodbyeTo = async (credentials: RunnerCredentials) => {
    const session = dial(credentials);
    session.hello();
    return (await session.ended()).goodbye;
  };

  test('no header and no frame says otherwise', async () => {
    const session = dial(good);
    await session.open({ processUid: victim.instanceUid, host: { hostname: victim.instanceUid } });
    expect((await instancesOf('pool')).get(good.instanceUid)).toBe(RunnerInstanceState.ONLINE);
    expect((await instancesOf('victim')).get(victim.instanceUid)).toBe(RunnerInstanceState.OFFLINE);
  });

  test('it renews its own certificate alone', async () => {
    const { certificate } = await gatewayOf(good).renewCertificate(
      {},
      { headers: { 'x-instance-uid': 'another' } },
    );
    const renewed = new X509Certificate(certificate?.certificate ?? '');
    expect(renewed.subjectAltName).toMatch(
      new RegExp(`^URI:urn:planton:runner-instance:${good.instanceUid}:[0-9]+$`),
    );
    expect(renewed.publicKey.equals(new X509Certificate(good.certificate).publicKey)).toBe(true);
    expect(renewed.ca).toBe(false);
  });

  test('an instance that is revoked: its session ends, it never comes back, its siblings stay', async () => {
    const [lost, kept] = [await world.enrol('pool'), await world.enrol('pool')];
    const [losing, staying] = [await dial(lost).open(), await dial(kept).open()];
    await revoke('pool', lost.instanceUid);
    expect((await losing.ended()).goodbye?.reason).toBe(GatewayGoodbyeReason.REVOKED);
    for (let i = 0; i < 3; i++) expect((await goodbyeTo(lost))?.reason).toBe(GatewayGoodbyeReason.REVOKED);

    expect((await refusalOf(gatewayOf(lost).renewCertificate({}))).code).toBe(Code.PermissionDenied);
    const recovering = await recoverRunner(lost, {}).catch((error: unknown) => error);
    expect(recovering).toBeInstanceOf(EnrolmentError);
    expect(recovering).toMatchObject({ kind: 'refused' });

    expect(staying.received.some(({ frame }) => frame.case === 'goodbye')).toBe(false);
    expect((await instancesOf('pool')).get(lost.instanceUid)).toBe(RunnerInstanceState.REVOKED);
    expect((await instancesOf('pool')).get(kept.instanceUid)).toBe(RunnerInstanceState.ONLINE);
  });

  test('a runner that is revoked: every session of it ends, and nothing enrols', async () => {
    const instances = [await world.enrol('doomed'), await world.enrol('doomed')];
    const { text: token } = await world.planton.runners.createRunnerToken({ org: ORG, runner: 'doomed' });
    const open = await Promise.all(instances.map((each) => dial(each).open()));
    await revoke('doomed');
    for (const session of open)
      expect((await session.ended()).goodbye?.reason).toBe(GatewayGoodbyeReason.REVOKED);
    for (const each of instances) expect((await goodbyeTo(each))?.reason).toBe(GatewayGoodbyeReason.REVOKED);
    const { certificateRequest } = await createKeyRequest();
    const enrolling = world.planton.runners.enrollRunner({ token, certificateRequest, instanceName: 'late' });
    expect((await refusalOf(enrolling)).code).toBe(Code.Unauthenticated);
  });

  test('a runner that is deleted: its session ends, and its uid is nobody', async () => {
    const gone = await world.enrol('gone');
    const session = await dial(gone).open();
    await world.planton.runners.deleteRunner({ org: ORG, runner: 'gone' });
    expect((await session.ended()).goodbye?.reason).toBe(GatewayGoodbyeReason.REVOKED);
    expect(await goodbyeTo(gone)).toMatchObject({
      reason: GatewayGoodbyeReason.REVOKED,
      message: expect.stringContaining('not known'),
    });
    // A runner of the same name is another one.
    const next = await world.enrol('gone');
    await dial(next).open();
    expect((await goodbyeTo(gone))?.reason).toBe(GatewayGoodbyeReason.REVOKED);
  });

  test('a certificate that was replaced, once the next one was used: the instance is locked', async () => {
    const copied = await world.enrol('copied');
    const { certificate } = await gatewayOf(copied).renewCertificate({});
    await dial(copied).open();
    const renewed = { ...copied, certificate: certificate?.certificate ?? '' };
    const owner = await dial(renewed).open();
    expect((await goodbyeTo(copied))?.reason).toBe(GatewayGoodbyeReason.LOCKED);
    expect((await owner.ended()).goodbye?.reason).toBe(GatewayGoodbyeReason.LOCKED);
    expect((await goodbyeTo(renewed))?.reason).toBe(GatewayGoodbyeReason.LOCKED);
    await waitUntil(
      'it is locked',
      async () => (await instancesOf('copied')).get(copied.instanceUid) === RunnerInstanceState.LOCKED,
    );
  });
});
