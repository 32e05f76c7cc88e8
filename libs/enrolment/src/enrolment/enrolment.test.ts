import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EnrolmentError } from '../errors/enrolment-error.ts';
import { createKeyRequest } from '../keys/create-key-request.ts';
import { startTestService, type TestService } from '../testing/start-test-service.ts';
import { createTestAuthority, type TestAuthority } from '../testing/test-authority.ts';
import { enrollRunner } from './enroll-runner.ts';
import { recoverRunner } from './recover-runner.ts';

let authority: TestAuthority;
let service: TestService;
beforeEach(async () => {
  authority = await createTestAuthority();
  service = await startTestService(authority, 'gateway.example.com:8443');
  service.tokens.set('pool-token', 'pool').set('one-token', 'single-use');
});
afterEach(() => service.stop());

const enroll = (more: Partial<Parameters<typeof enrollRunner>[0]> = {}) =>
  enrollRunner({
    server: service.url,
    token: 'pool-token',
    instanceName: 'host-1',
    ephemeral: false,
    proxyEnv: {},
    ...more,
  });
const errorOf = (call: Promise<unknown>): Promise<EnrolmentError> =>
  call.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => {
      expect(error).toBeInstanceOf(EnrolmentError);
      return error as EnrolmentError;
    },
  );

describe('enrolling', () => {
  test('gives credentials whose certificate is for the key that was made here', async () => {
    const credentials = await enroll();
    expect(credentials).toMatchObject({
      server: service.url,
      org: 'acme',
      runner: 'runner-1',
      gatewayAddress: 'gateway.example.com:8443',
      generation: 1,
    });
    const certificate = new X509Certificate(credentials.certificate);
    expect(certificate.checkPrivateKey(createPrivateKey(credentials.privateKey))).toBe(true);
    expect(certificate.verify(new X509Certificate(credentials.caBundle).publicKey)).toBe(true);
    expect(certificate.subjectAltName).toContain(credentials.instanceUid);
    expect(service.instances.get(credentials.instanceUid)).toMatchObject({ ephemeral: false });
  });

  test('makes another instance with another key each time', async () => {
    const [one, other] = [await enroll(), await enroll({ ephemeral: true })];
    expect(one.instanceUid).not.toBe(other.instanceUid);
    expect(one.privateKey).not.toBe(other.privateKey);
    expect(service.instances.get(other.instanceUid)?.ephemeral).toBe(true);
  });

  test('with a token that was used is refused with the platform’s own words', async () => {
    await enroll({ token: 'one-token' });
    expect(await errorOf(enroll({ token: 'one-token' }))).toMatchObject({
      kind: 'refused',
      reason: 'RUNNER_TOKEN_REFUSED',
      message: 'the token is used up, expired or revoked',
      hint: 'planton runner register',
    });
  });

  test('tells the server’s clock', async () => {
    const times: Date[] = [];
    await enroll({ onServerTime: (time) => times.push(time) });
    expect(Math.abs((times[0]?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  test('can be ended early', async () => {
    service.intercept = () => {};
    const ending = new AbortController();
    const error = errorOf(enroll({ signal: ending.signal }));
    ending.abort();
    expect(await error).toMatchObject({ kind: 'unavailable' });
  });
});

describe('what is not the platform’s answer is no refusal', () => {
  test.each([401, 403, 404, 407, 500, 502, 200])('HTTP %i', async (status) => {
    service.intercept = (_, response) =>
      response.writeHead(status, { 'content-type': 'text/html' }).end('<html>');
    expect(await errorOf(enroll())).toMatchObject({ kind: 'unavailable', reason: 'SERVER_UNREACHABLE' });
  });

  test('nothing listens', async () => {
    await service.stop();
    expect(await errorOf(enroll())).toMatchObject({ kind: 'unavailable', reason: 'SERVER_UNREACHABLE' });
  });

  test('an endless answer', async () => {
    service.intercept = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/proto' });
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536)));
        response.once('drain', more);
      };
      more();
    };
    expect(await errorOf(enroll())).toMatchObject({ kind: 'unavailable' });
  });

  test.each(['ftp://example.com', 'nonsense', 'https://user:canary@example.com'])(
    'server %s',
    async (server) => {
      const error = await errorOf(enroll({ server }));
      expect(error).toMatchObject({ kind: 'refused', reason: 'SERVER_INVALID' });
      expect(error.message).not.toContain('canary');
    },
  );
});

describe('an answer that cannot be used', () => {
  test.each(['', 'gateway', 'http://gateway:1', 'gateway:99999'])(
    'gateway address %j',
    async (gatewayAddress) => {
      service.issue = { authority, gatewayAddress };
      expect(await errorOf(enroll())).toMatchObject({ kind: 'answer', reason: 'ANSWER_UNUSABLE' });
    },
  );

  test('a certificate for another key', async () => {
    const { certificateRequest } = await createKeyRequest();
    const issueInstance: TestAuthority['issueInstance'] = (_, options) =>
      authority.issueInstance(certificateRequest, options);
    service.issue = { ...service.issue, authority: { ...authority, issueInstance } };
    expect(await errorOf(enroll())).toMatchObject({ kind: 'answer' });
  });
});

describe('recovering', () => {
  test('gives the next certificate for the same key, the current authorities and the current address', async () => {
    const before = await enroll();
    const renamed = await createTestAuthority('the next');
    service.issue = { authority: renamed, gatewayAddress: 'moved.example.com:443' };
    const after = await recoverRunner(before, { proxyEnv: {} });
    expect(after).toMatchObject({
      instanceUid: before.instanceUid,
      privateKey: before.privateKey,
      generation: 2,
      gatewayAddress: 'moved.example.com:443',
      caBundle: renamed.caBundle,
    });
  });

  test.each(['RUNNER_REVOKED', 'INSTANCE_LOCKED'] as const)(
    'is refused to one that is %s',
    async (refused) => {
      const credentials = await enroll();
      const instance = service.instances.get(credentials.instanceUid);
      if (instance) instance.refused = refused;
      expect(await errorOf(recoverRunner(credentials, { proxyEnv: {} }))).toMatchObject({
        kind: 'refused',
        reason: refused,
      });
    },
  );

  test('with another key is refused', async () => {
    const [one, other] = [await enroll(), await enroll()];
    const forged = { ...one, privateKey: other.privateKey };
    expect(await errorOf(recoverRunner(forged, { proxyEnv: {} }))).toMatchObject({ kind: 'refused' });
    expect(service.calls.recover).toBe(0);
  });
});

describe('through a proxy', () => {
  test('that asks for a password', async () => {
    const asked: (string | undefined)[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers['proxy-authorization']}`);
      const { method = 'POST', headers, url = '' } = request;
      request.pipe(
        forward(url, { method, headers }, (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          answer.pipe(response);
        }),
      );
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = proxy.address() as AddressInfo;
      await enroll({ proxyEnv: { HTTP_PROXY: `http://me:p%40ss@127.0.0.1:${port}` } });
      expect(asked).toEqual([
        `${service.url}/planton.runner.v1.RunnerService/EnrollRunner Basic ${btoa('me:p@ss')}`,
      ]);
      await enroll({ proxyEnv: { HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: '127.0.0.0/8' } });
      expect(asked).toHaveLength(1);
    } finally {
      proxy.closeAllConnections();
      proxy.close();
    }
  });

  test('that is no URL', async () => {
    const error = await errorOf(enroll({ proxyEnv: { HTTP_PROXY: 'socks5://me:canary@proxy' } }));
    expect(error).toMatchObject({ reason: 'PROXY_INVALID' });
    expect(error.message).not.toContain('canary');
  });
});
