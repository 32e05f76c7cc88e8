import { createServer } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { RawRequest } from '../requests/request.ts';
import { ACCOUNTS, BODY, CHINA_KEY, INACTIVE_KEY, KEY, NOW, signRequest } from '../testing/sign-request.ts';
import type { AwsSimulator } from './simulator.ts';
import { startAwsSimulator } from './start-simulator.ts';

const CALLER = 'arn:aws:iam::123456789012:user/deployer';

describe('with the AWS SDK', () => {
  let simulator: AwsSimulator;
  beforeAll(async () => {
    simulator = await startAwsSimulator({ accounts: ACCOUNTS });
  });
  afterAll(() => simulator.stop());
  afterEach(() => void vi.unstubAllEnvs());

  function ask(credentials: { accessKeyId: string; secretAccessKey: string }, region = 'us-west-2') {
    const client = new STSClient({ region, endpoint: simulator.url, credentials, maxAttempts: 1 });
    return client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
  }

  test('says who calls', async () => {
    const identity = await ask(KEY);
    expect(identity).toMatchObject({ Arn: CALLER, Account: '123456789012' });
    expect(identity.UserId).toMatch(/^AIDA[A-Z2-7]{17}$/);
    expect(identity.$metadata.requestId).toBe(simulator.requests().at(-1)?.requestId);
    expect(await ask(CHINA_KEY, 'cn-north-1')).toMatchObject({ Arn: 'arn:aws-cn:iam::210987654321:user/li' });
  });

  test('is reached through AWS_ENDPOINT_URL_STS', async () => {
    vi.stubEnv('AWS_ENDPOINT_URL_STS', simulator.url);
    const client = new STSClient({ region: 'eu-west-1', credentials: KEY });
    const identity = await client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
    expect(identity.Arn).toBe(CALLER);
    expect(simulator.requests().at(-1)).toMatchObject({ region: 'eu-west-1', service: 'sts' });
  });

  test.each([
    ['an unknown key', { ...KEY, accessKeyId: 'AKIAUNKNOWNNEXAMPLE0' }, 'InvalidClientTokenId'],
    ['an inactive key', INACTIVE_KEY, 'InvalidClientTokenId'],
    ['a session token', { ...KEY, sessionToken: 'FwoGZXIvYXdzEXAMPLE' }, 'InvalidClientTokenId'],
    ['a wrong secret', { ...KEY, secretAccessKey: INACTIVE_KEY.secretAccessKey }, 'SignatureDoesNotMatch'],
  ])('refuses %s as AWS does', async (_, credentials, name) => {
    await expect(ask(credentials)).rejects.toMatchObject({
      name,
      $fault: 'client',
      $metadata: { httpStatusCode: 403 },
    });
    expect(simulator.requests().at(-1)).toMatchObject({ status: 403, code: name });
  });
});

describe('over HTTP', () => {
  let simulator: AwsSimulator;
  beforeAll(async () => {
    simulator = await startAwsSimulator({ accounts: ACCOUNTS, now: () => NOW });
  });
  afterAll(() => simulator.stop());

  const host = () => new URL(simulator.url).host;
  const identify = { Action: 'GetCallerIdentity', Version: '2011-06-15' };

  /** Sends a signed request as it is; the host is the one that is reached. */
  function send({ method, target, headers, body }: RawRequest) {
    return fetch(simulator.url + target, {
      method,
      headers: headers
        .filter(([name]) => name !== 'host')
        .map(([name, value]): [string, string] => [name, value]),
      ...(body.length > 0 && { body: new Uint8Array(body) }),
    });
  }

  async function codeOf(request: RawRequest) {
    const response = await send(request);
    const code = /<Code>(.*)<\/Code>/.exec(await response.text())?.[1];
    return [response.status, code];
  }

  /** Sends bytes and returns all that comes back until the server hangs up. */
  async function sendBytes(...chunks: readonly (string | Buffer)[]) {
    const socket = connect(Number(new URL(simulator.url).port), '127.0.0.1');
    for (const chunk of chunks) socket.write(chunk);
    return text(socket);
  }

  test('answers the documents of AWS', async () => {
    const response = await send(await signRequest({ host: host() }));
    const requestId = response.headers.get('x-amzn-requestid');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/xml');
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    const xml = await response.text();
    const userId = /<UserId>(AIDA[A-Z2-7]{17})<\/UserId>/.exec(xml)?.[1];
    expect(xml).toBe(
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
        `<Arn>${CALLER}</Arn><UserId>${userId}</UserId><Account>123456789012</Account></GetCallerIdentityResult>` +
        `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></GetCallerIdentityResponse>`,
    );
  });

  test('answers the errors of AWS', async () => {
    const response = await fetch(simulator.url, { method: 'POST', body: new URLSearchParams(identify) });
    const requestId = response.headers.get('x-amzn-requestid');
    expect(response.status).toBe(403);
    expect(await response.text()).toBe(
      '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>' +
        '<Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message></Error>' +
        `<RequestId>${requestId}</RequestId></ErrorResponse>`,
    );
  });

  test('takes a GET and a presigned URL', async () => {
    const sent = { method: 'GET', query: identify };
    expect((await send(await signRequest({ ...sent, host: host() }))).status).toBe(200);
    expect((await send(await signRequest({ ...sent, host: host() }, {}, 60))).status).toBe(200);
  });

  test.each([
    ['another action', { body: 'Action=GetFederationToken&Version=2011-06-15' }, [400, 'InvalidAction']],
    ['another version', { body: 'Action=GetCallerIdentity&Version=2010-05-08' }, [400, 'InvalidAction']],
    ['no version', { body: 'Action=GetCallerIdentity' }, [400, 'InvalidAction']],
    ['an action that is markup', { body: 'Action=%3Cscript%3E&Version=2011-06-15' }, [400, 'InvalidAction']],
    [
      'a property of objects as action',
      { body: 'Action=constructor&Version=2011-06-15' },
      [400, 'InvalidAction'],
    ],
    ['no action', { body: 'Version=2011-06-15' }, [400, 'MissingAction']],
    ['a form of another type', { headers: { 'content-type': 'application/json' } }, [400, 'MissingAction']],
    ['a parameter twice', { body: `${BODY}&Action=AssumeRole` }, [400, 'MalformedQueryString']],
    ['a parameter in query and body', { query: identify }, [400, 'MalformedQueryString']],
    ['a broken escape', { body: `${BODY}&A=%zz` }, [400, 'MalformedQueryString']],
    ['a great many parameters', { body: 'a&'.repeat(501) }, [400, 'MalformedQueryString']],
    ['another path', { path: '/sts' }, [404, 'UnknownOperationException']],
    ['another method', { method: 'DELETE' }, [405, 'MethodNotAllowed']],
  ])('refuses %s', async (_, sent, expected) => {
    expect(await codeOf(await signRequest({ ...sent, host: host() }))).toEqual(expected);
  });

  test('says which operation it could not find', async () => {
    const body = 'Action=GetFederationToken&Version=2011-06-15';
    const response = await send(await signRequest({ body, host: host() }));
    expect(await response.text()).toContain(
      '<Message>Could not find operation GetFederationToken for version 2011-06-15</Message>',
    );
  });

  test('refuses a body that was altered after signing', async () => {
    const request = await signRequest({ host: host() });
    expect(await codeOf({ ...request, body: Buffer.from(`${BODY}&Extra=1`) })).toEqual([
      403,
      'SignatureDoesNotMatch',
    ]);
  });

  test('explains a skewed clock', async () => {
    const time = new Date(NOW.getTime() - 20 * 60_000);
    const response = await send(await signRequest({ host: host() }, { time }));
    expect(response.status).toBe(403);
    expect(await response.text()).toContain(
      'Signature expired: 20260301T114000Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)',
    );
  });

  test('refuses a body that says it is large without reading it', async () => {
    const answer = await sendBytes('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 999999999\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toContain('<Code>RequestEntityTooLarge</Code>');
  });

  test('refuses a body that turns out to be large', async () => {
    const size = 64 * 1024 + 1;
    const answer = await sendBytes(
      `POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${size.toString(16)}\r\n`,
      Buffer.alloc(size, 'a'),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(simulator.requests().at(-1)).toMatchObject({ status: 413, code: 'RequestEntityTooLarge' });
  });

  test.each([
    ['headers that are too large', `GET / HTTP/1.1\r\nhost: a\r\nx: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
    ['what is not HTTP', 'hello\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ])('refuses %s and keeps serving', async (_, bytes, status) => {
    expect(await sendBytes(bytes)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect((await send(await signRequest({ host: host() }))).status).toBe(200);
  });

  test('answers many at once, each with its own answer', async () => {
    const keys = [KEY, { ...KEY, secretAccessKey: INACTIVE_KEY.secretAccessKey }];
    const requests = await Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        signRequest({ host: host() }, { key: keys[index % 2] ?? KEY }),
      ),
    );
    const responses = await Promise.all(requests.map(send));
    expect(responses.map(({ status }) => status)).toEqual(
      requests.map((_, index) => (index % 2 ? 403 : 200)),
    );
    expect(new Set(responses.map(({ headers }) => headers.get('x-amzn-requestid'))).size).toBe(40);
    await Promise.all(responses.map((response) => response.text()));
  });

  test('remembers calls without anything secret', async () => {
    const sessionToken = 'FwoGZXIvYXdzEXAMPLE';
    await codeOf(await signRequest({ host: host() }, { sessionToken }));
    await codeOf(await signRequest({ host: host() }));
    const [refused, taken] = simulator.requests().slice(-2);
    expect(refused).toEqual({
      requestId: expect.any(String),
      time: NOW,
      method: 'POST',
      accessKeyId: KEY.accessKeyId,
      status: 403,
      code: 'InvalidClientTokenId',
    });
    expect(taken).toEqual({
      requestId: expect.any(String),
      time: NOW,
      method: 'POST',
      service: 'sts',
      region: 'us-west-2',
      action: 'GetCallerIdentity',
      accessKeyId: KEY.accessKeyId,
      callerArn: CALLER,
      status: 200,
    });
    const everything = JSON.stringify(simulator.requests());
    for (const secret of [KEY.secretAccessKey, INACTIVE_KEY.secretAccessKey, sessionToken, 'Signature=']) {
      expect(everything).not.toContain(secret);
    }
  });
});

describe('its life', () => {
  test('a key can be taken away, and a wrong replacement changes nothing', async () => {
    const simulator = await startAwsSimulator({ accounts: ACCOUNTS });
    const client = new STSClient({ region: 'us-west-2', endpoint: simulator.url, credentials: KEY });
    const ask = () => client.send(new GetCallerIdentityCommand({}));
    try {
      expect(() => simulator.replaceAccounts([{ id: '1', users: [] }])).toThrow('1 digit given, 12 expected');
      expect((await ask()).Arn).toBe(CALLER);
      simulator.replaceAccounts([]);
      await expect(ask()).rejects.toMatchObject({ name: 'InvalidClientTokenId' });
    } finally {
      client.destroy();
      await simulator.stop();
    }
  });

  test('stop frees the port and ends idle connections, and may be called again', async () => {
    const simulator = await startAwsSimulator({ accounts: [] });
    const { port } = new URL(simulator.url);
    const idle = connect(Number(port), '127.0.0.1');
    const ended = text(idle);
    await (await fetch(simulator.url)).text();
    await simulator.stop();
    await simulator.stop();
    expect(await ended).toBe('');
    const again = await startAwsSimulator({ accounts: [], listen: { port: Number(port) } });
    expect(new URL(again.url).port).toBe(port);
    await again.stop();
  });

  test('a port that is taken is an error', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const address = other.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    await expect(startAwsSimulator({ accounts: [], listen: { port } })).rejects.toThrow('EADDRINUSE');
    await new Promise((resolve) => other.close(resolve));
  });
});
