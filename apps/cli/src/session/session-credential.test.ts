import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { expect, onTestFinished, test } from 'vitest';
import { storeSession } from '../settings/sessions.ts';
import { cliAt } from '../testing/run-cli.ts';

/** A server that knows one refresh credential at a time, and answers as told. */
async function start(answer?: { readonly status: number; readonly body: object }) {
  let generation = 0;
  let asked = 0;
  const seen: string[] = [];
  const rpcs = connectNodeAdapter({
    routes: (router) =>
      router.service(Identity, {
        listOrganizations: (_, { requestHeader }) => {
          seen.push(requestHeader.get('authorization') ?? '');
          return { organizations: [] };
        },
      }),
  });
  const server = createServer(async (request, response) => {
    if (request.url !== '/auth/token') return rpcs(request, response);
    asked++;
    let text = '';
    for await (const chunk of request) text += chunk;
    const known = new URLSearchParams(text).get('refresh_token') === `refresh-${generation}`;
    if (known && !answer) generation++;
    const tokens = {
      access_token: `access-${generation}`,
      refresh_token: `refresh-${generation}`,
      expires_in: 3600,
    };
    const told =
      answer ?? (known ? { status: 200, body: tokens } : { status: 400, body: { error: 'invalid_grant' } });
    response.writeHead(told.status, { 'content-type': 'application/json' }).end(JSON.stringify(told.body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const { cli, env } = cliAt(url, { signedIn: false });
  const surroundings = { env } as unknown as Parameters<typeof storeSession>[0];
  const folder = env.PLANTON_CONFIG_HOME;
  const store = (access: string, accessEnd: number) =>
    storeSession(surroundings, url, { account: 'ada@example.com', access, accessEnd, refresh: 'refresh-0' });
  return {
    cli,
    store,
    seen,
    asked: () => asked,
    folder,
    file: () => readFileSync(join(folder, 'sessions.json'), 'utf8'),
  };
}

const now = Date.parse('2026-03-01T12:00:00Z');
const list = ['org', 'list'];

test('a credential that is good is used as it is', async () => {
  const { cli, store, seen, asked } = await start();
  await store('access-0', now + 3_600_000);
  expect((await cli(list)).code).toBe(0);
  expect([seen, asked()]).toEqual([['Bearer access-0'], 0]);
});

test('one that ends soon is renewed once, for all that ask at the same time', async () => {
  const { cli, store, seen, asked, file } = await start();
  await store('access-0', now + 30_000);
  const all = await Promise.all(Array.from({ length: 6 }, () => cli(list)));
  expect(all.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(asked()).toBe(1);
  expect(new Set(seen)).toEqual(new Set(['Bearer access-1']));
  expect(file()).toContain('refresh-1');
});

test('a sign-in that has ended is told, and forgotten', async () => {
  const { cli, store, seen, file } = await start({ status: 400, body: { error: 'invalid_grant' } });
  await store('access-0', 0);
  const { code, stderr } = await cli(list);
  expect(code).toBe(4);
  expect(stderr).toMatch(/^error: your sign-in at \S+ has ended\nhint: sign in with: planton auth login\n$/);
  expect([seen, file().includes('access-0')]).toEqual([[], false]);
});

test('a server that cannot answer now costs no sign-in', async () => {
  const { cli, store, file } = await start({ status: 503, body: { error: 'temporarily_unavailable' } });
  await store('access-0', 0);
  expect((await cli(list)).code).toBe(7);
  expect(file()).toContain('refresh-0');
});

test('a lock that a dead process left is taken away', async () => {
  const { cli, store, folder } = await start();
  await store('access-0', 0);
  const lock = join(folder, 'sessions.lock');
  writeFileSync(lock, '');
  utimesSync(lock, new Date(0), new Date(0));
  expect((await cli(list)).code).toBe(0);
});

test('an API key that is given wins', async () => {
  const { cli, store, seen } = await start();
  await store('access-0', now + 3_600_000);
  await cli(list, { env: { PLANTON_API_KEY: 'the-key' } });
  expect(seen).toEqual(['Bearer the-key']);
});
