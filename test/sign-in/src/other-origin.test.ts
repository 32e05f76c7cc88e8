import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Platform, startPlatform } from '@planton/test-platform';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasBrowser, useBrowser } from './use-browser.ts';
import { setUpOwner } from './use-owner.ts';

/** What a page does with Connect-Web; it hangs on `window` for the tests to call. */
const script = `
import { createClient } from '@connectrpc/connect';
import { createConnectTransport, createGrpcWebTransport } from '@connectrpc/connect-web';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';

const transports = { connect: createConnectTransport, grpcWeb: createGrpcWebTransport };
const told = (error) => ({ message: error.rawMessage, reason: error.findDetails?.(ErrorInfoSchema)[0]?.reason });

globalThis.whoAmI = async (kind, baseUrl, headers, withCookies) => {
  const fetchWith = (url, init) => fetch(url, { ...init, credentials: withCookies ? 'include' : 'same-origin' });
  const client = createClient(Identity, transports[kind]({ baseUrl, fetch: fetchWith }));
  return client.whoAmI({}, { headers }).then(({ name }) => ({ name }), told);
};
globalThis.firstOfStream = async (kind, baseUrl, headers) => {
  const client = createClient(RunnerService, transports[kind]({ baseUrl }));
  for await (const answer of client.watchRunners({ org: 'acme' }, { headers })) return answer.$typeName;
};
`;

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: script, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    write: false,
  });
  return outputFiles[0]?.text ?? '';
}

/** A page of another origin, with the script. */
async function servePage(code: string): Promise<{ readonly server: Server; readonly origin: string }> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(
      isScript
        ? code
        : '<!doctype html><title>A console</title><script type="module" src="/page.js"></script>',
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe.skipIf(!hasBrowser)('a page of another origin in Chromium (skipped where there is none)', () => {
  const { newPerson } = useBrowser();
  let platform: Platform;
  let page: Page;
  let named: Awaited<ReturnType<typeof servePage>>;
  let other: Awaited<ReturnType<typeof servePage>>;

  beforeAll(async () => {
    const code = await bundle();
    [named, other] = [await servePage(code), await servePage(code)];
    platform = await startPlatform({ env: { PLANTON_CORS_ORIGINS: named.origin } });
    page = await (await newPerson()).newPage();
    await setUpOwner(platform, page);
    await platform.signInAsOwner();
    await platform.planton('org', 'create', 'acme');
  }, 120_000);
  afterAll(async () => {
    await platform?.stop();
    named?.server.close();
    other?.server.close();
  });

  const open = async (origin: string) => {
    await page.goto(origin);
    await page.waitForFunction('globalThis.whoAmI !== undefined');
  };
  const call = (name: string, ...args: readonly unknown[]) =>
    page.evaluate(`${name}(...${JSON.stringify(args)})`);
  const bearer = () => ({ authorization: `Bearer ${platform.ownerKey()}` });

  test.each(['connect', 'grpcWeb'])('that the server names calls it by Connect-Web: %s', async (kind) => {
    await open(named.origin);
    expect(await call('whoAmI', kind, platform.url, bearer())).toEqual({ name: 'Ada Lovelace' });
    expect(await call('firstOfStream', kind, platform.url, bearer())).toBe(
      'planton.runner.v1.WatchRunnersResponse',
    );
    const refused = await call('whoAmI', kind, platform.url, { authorization: 'Bearer planton_wrong' });
    expect(refused).toMatchObject({ reason: 'API_KEY_INVALID' });
  });

  test('does nothing by the cookie of whoever is signed in in the same browser', async () => {
    await open(named.origin);
    expect(await call('whoAmI', 'connect', platform.url, {}, false)).toMatchObject({ reason: 'NO_TOKEN' });
    // The browser itself keeps the answer from a page that wants cookies sent.
    expect(await call('whoAmI', 'connect', platform.url, {}, true)).toEqual({ message: 'Failed to fetch' });
  });

  test.each(['connect', 'grpcWeb'])('that it does not name gets nothing: %s', async (kind) => {
    await open(other.origin);
    expect(await call('whoAmI', kind, platform.url, bearer())).toEqual({ message: 'Failed to fetch' });
  });
});
