import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type ConnectProxy, startConnectProxy } from '../testing/start-connect-proxy.ts';
import { useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';
import { DialFailed } from './dial-failed.ts';
import { dialGateway } from './dial-gateway.ts';

const rig = useRunner();
let proxy: ConnectProxy | undefined;
afterEach(() => proxy?.stop());

const ping = { case: 'ping', value: {} } as const;
const forever = () => new AbortController().signal;
const failure = (dialling: Promise<unknown>): Promise<DialFailed> =>
  dialling.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: unknown) => {
      expect(error).toBeInstanceOf(DialFailed);
      return error as DialFailed;
    },
  );

describe('through a proxy', () => {
  test('a session works like any other', async () => {
    proxy = await startConnectProxy();
    const { gateway, start } = rig();
    await start({ env: { HTTPS_PROXY: proxy.url } });
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    expect(proxy.requests).toEqual([{ target: gateway.address, authorization: undefined }]);
  });

  test('outlives the time that it may take to connect', async () => {
    proxy = await startConnectProxy();
    const { gateway, start, open } = rig();
    const runner = await start({ env: { HTTPS_PROXY: proxy.url }, timing: { dialLimitMs: 1_000 } });
    await open(runner);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(runner.state().phase).toBe('open');
    expect(gateway.sessions).toHaveLength(1);
  });

  test('that asks for a user and a password gets them', async () => {
    proxy = await startConnectProxy();
    const { gateway, start } = rig();
    await start({ env: { https_proxy: proxy.url.replace('//', '//me:p%40ss%25@') } });
    await gateway.session(0);
    expect(proxy.requests[0]?.authorization).toBe(`Basic ${btoa('me:p@ss%')}`);
  });

  test('whose address speaks TLS, with a certificate that this machine trusts', async () => {
    const { authority, gateway, enrolled } = rig();
    proxy = await startConnectProxy({ tls: await authority.issueGateway({ hosts: ['127.0.0.1'] }) });
    const credentials = { ...(await enrolled()), gatewayAddress: gateway.address };
    const proxyEnv = { HTTPS_PROXY: proxy.url };
    const refused = await failure(dialGateway({ credentials, proxyEnv, limitMs: 10_000, signal: forever() }));
    expect(refused.stage).toBe('proxy');
    expect(proxy.requests).toEqual([]);
    // Authorities that this machine trusts are named when a process starts.
    const folder = mkdtempSync(join(tmpdir(), 'planton-proxy-'));
    try {
      writeFileSync(`${folder}/ca.pem`, authority.caBundle);
      writeFileSync(`${folder}/credentials.json`, JSON.stringify(credentials), { mode: 0o600 });
      const module = new URL('dial-gateway.ts', import.meta.url).href;
      writeFileSync(
        `${folder}/dial.mts`,
        `import { readFileSync } from 'node:fs';
         import { dialGateway } from '${module}';
         const credentials = JSON.parse(readFileSync('${folder}/credentials.json', 'utf8'));
         const socket = await dialGateway({ credentials, proxyEnv: { HTTPS_PROXY: '${proxy.url}' }, limitMs: 10_000, signal: new AbortController().signal });
         process.stdout.write(socket.alpnProtocol);
         socket.destroy();`,
      );
      const child = spawn(process.execPath, [`${folder}/dial.mts`], {
        env: { ...process.env, NODE_EXTRA_CA_CERTS: `${folder}/ca.pem` },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += chunk;
      });
      await new Promise((resolve) => child.once('close', resolve));
      expect(said).toBe('h2');
      expect(proxy.requests).toHaveLength(1);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('NO_PROXY goes past it', async () => {
    proxy = await startConnectProxy();
    const { gateway, start } = rig();
    await start({ env: { HTTPS_PROXY: proxy.url, NO_PROXY: 'example.com,127.0.0.0/8' } });
    await gateway.session(0);
    expect(proxy.requests).toEqual([]);
  });

  test.each([
    ['refuses', 'HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno', 'HTTP 403'],
    ['wants a password', 'HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'HTTP 407'],
    ['says more than it should', 'HTTP/1.1 200 OK\r\n\r\nhello', 'sent something before'],
    ['never comes to an end', `HTTP/1.1 200 OK\r\n${'x-filler: y\r\n'.repeat(5_000)}`, 'cannot be used'],
    ['speaks something else', 'SSH-2.0-OpenSSH_9.6\r\n', 'cannot be used'],
  ])('that %s is no way', async (_, answer, message) => {
    proxy = await startConnectProxy({ answer: (socket) => socket.write(answer) });
    const { enrolled } = rig();
    const proxyEnv = { HTTPS_PROXY: proxy.url.replace('//', '//me:canary@') };
    const error = await failure(
      dialGateway({ credentials: await enrolled(), proxyEnv, limitMs: 10_000, signal: forever() }),
    );
    expect(error.stage).toBe('proxy');
    expect(error.message).toContain(message);
    expect(`${error.stack}${error.hint}`).not.toContain('canary');
  });

  test('that says nothing at all is given up', async () => {
    proxy = await startConnectProxy({ answer: () => {} });
    const credentials = await rig().enrolled();
    const proxyEnv = { HTTPS_PROXY: proxy.url };
    const error = await failure(dialGateway({ credentials, proxyEnv, limitMs: 100, signal: forever() }));
    expect(error.message).toContain('did not answer within 0.1 s');
  });

  test('that is gone, or is none, does not end a runner', async () => {
    const { start, log } = rig();
    await start({ env: { HTTPS_PROXY: 'http://127.0.0.1:1' } });
    await waitFor('some attempts', () => log.text().split('the proxy 127.0.0.1:1 cannot be used').length > 3);
    await start({ env: { HTTPS_PROXY: 'socks5://me:canary@127.0.0.1:1' } });
    await waitFor('a refusal', () =>
      log.text().includes('HTTPS_PROXY is not an http or https URL of a proxy'),
    );
    expect(log.text()).not.toContain('canary');
  });

  test('learns neither the name of the instance nor its certificate: TLS goes through', async () => {
    const seen: Buffer[] = [];
    proxy = await startConnectProxy({
      answer: (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.on('data', (chunk: Buffer) => seen.push(chunk));
      },
    });
    const credentials = await rig().enrolled();
    const proxyEnv = { HTTPS_PROXY: proxy.url };
    await failure(dialGateway({ credentials, proxyEnv, limitMs: 200, signal: forever() }));
    const bytes = Buffer.concat(seen);
    expect(bytes[0]).toBe(0x16);
    expect(bytes.includes(credentials.instanceUid)).toBe(false);
  });
});

describe('directly', () => {
  test.each([
    ['127.0.0.1:1', 'network', 'cannot be reached (ECONNREFUSED)'],
    ['nothing.invalid:443', 'network', 'cannot be reached'],
    ['[::1]:1', 'network', 'cannot be reached'],
  ])('%s', async (gatewayAddress, stage, message) => {
    const credentials = { ...(await rig().enrolled()), gatewayAddress };
    const error = await failure(
      dialGateway({ credentials, proxyEnv: {}, limitMs: 10_000, signal: forever() }),
    );
    expect(error.stage).toBe(stage);
    expect(error.message).toContain(message);
  });

  test('credentials that cannot be used are told from a gateway that cannot', async () => {
    const { enrolled } = rig();
    const [one, other] = [await enrolled(), await enrolled()];
    const credentials = { ...one, privateKey: other.privateKey };
    const error = await failure(
      dialGateway({ credentials, proxyEnv: {}, limitMs: 10_000, signal: forever() }),
    );
    expect(error.stage).toBe('credentials');
    expect(error.message).not.toContain('PRIVATE');
  });

  test('by name, the name is what the certificate has to be for', async () => {
    const { authority, gateway, start, enrolled } = rig();
    const credentials = {
      ...(await enrolled()),
      gatewayAddress: gateway.address.replace('127.0.0.1', 'localhost'),
    };
    gateway.show(await authority.issueGateway({ hosts: ['localhost'] }));
    await start({ credentials });
    await gateway.session(0);
  });
});
