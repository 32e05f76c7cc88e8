import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { expect, test } from 'vitest';
import { storeSession } from '../settings/sessions.ts';
import { cliAt } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

const end = Date.parse('2026-03-02T12:00:00Z');

async function start() {
  const seen: string[] = [];
  const routes = (name: string) => (router: Parameters<Parameters<typeof serve>[0]>[0]) =>
    router.service(Identity, {
      listOrganizations: (_, { requestHeader }) => {
        seen.push(`${name} ${requestHeader.get('authorization')}`);
        return { organizations: [] };
      },
    });
  const [one, two] = [await serve(routes('one')), await serve(routes('two'))];
  const { cli, env } = cliAt('', { signedIn: false });
  const surroundings = { env } as unknown as Parameters<typeof storeSession>[0];
  for (const [server, account] of [
    [one.url, 'ada@example.com'],
    [one.url, 'grace@example.com'],
    [two.url, 'ada@example.com'],
  ] as const) {
    await storeSession(surroundings, server, {
      account,
      access: `${account[0]}`,
      accessEnd: end,
      refresh: 'r',
    });
  }
  const file = () => JSON.parse(readFileSync(join(env.PLANTON_CONFIG_HOME, 'context.json'), 'utf8'));
  return { cli, one: one.url, two: two.url, seen, file };
}

test('servers and accounts are side by side, and one command goes from one to the other', async () => {
  const { cli, one, two, seen } = await start();
  await cli(['context', 'set', 'home', '--server', one, '--org', 'a', '--account', 'ada@example.com']);
  await cli(['context', 'set', 'work', '--server', one, '--org', 'b', '--account', 'grace@example.com']);
  await cli(['context', 'set', 'away', '--server', two, '--org', 'c', '--env', 'test', '--account', '']);
  for (const name of ['home', 'work', 'away']) {
    expect((await cli(['context', 'use', name])).code).toBe(0);
    await cli(['org', 'list']);
  }
  expect(seen).toEqual(['one Bearer a', 'one Bearer g', 'two Bearer a']);
  expect(JSON.parse((await cli(['context', 'list', '-o', 'json'])).stdout)).toEqual([
    { name: 'home', current: false, server: one, account: 'ada@example.com', org: 'a', env: '' },
    { name: 'work', current: false, server: one, account: 'grace@example.com', org: 'b', env: '' },
    { name: 'away', current: true, server: two, account: '', org: 'c', env: 'test' },
  ]);
  expect((await cli(['context', 'list'])).stdout).toMatch(/^\* +away/m);
});

test('set without a name changes what is in use, as ever, and what has its name', async () => {
  const { cli, one, file } = await start();
  await cli(['context', 'set', '--org', 'plain', '--env', 'staging']);
  expect(file()).toEqual({ org: 'plain', env: 'staging' });
  await cli(['context', 'set', 'home', '--server', one]);
  await cli(['context', 'set', '--org', 'other']);
  expect(file()).toEqual({
    server: one,
    org: 'other',
    env: 'staging',
    current: 'home',
    contexts: { home: { server: one, org: 'other', env: 'staging' } },
  });
  expect(JSON.parse((await cli(['context', 'get', '-o', 'json'])).stdout)).toEqual({
    server: one,
    org: 'other',
    env: 'staging',
  });
});

test('an account that is not signed in there, and a context that does not exist, are told', async () => {
  const { cli, one } = await start();
  await cli(['context', 'set', 'home', '--server', one, '--account', 'nobody@example.com']);
  expect(await cli(['org', 'list'])).toMatchObject({
    code: 4,
    stderr: expect.stringContaining('nobody@example.com is not signed in'),
  });
  expect(await cli(['context', 'use', 'none'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('there are home'),
  });
  expect((await cli(['context', 'set', 'A b', '--org', 'x'])).code).toBe(2);
});
