import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Platform, startPlatform } from '@planton/test-platform';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from './until.ts';
import { hasBrowser, picture, useBrowser } from './use-browser.ts';
import { EMAIL, openedBy, PASSWORD, setUpOwner, signInBy, spawnLogin } from './use-owner.ts';

describe.skipIf(!hasBrowser)('signing in with Chromium (skipped where there is none)', () => {
  const { newPerson } = useBrowser();
  let platform: Platform;
  let page: Page;
  const faults: string[] = [];

  beforeAll(async () => {
    platform = await startPlatform();
    page = await (await newPerson()).newPage();
    page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
    await setUpOwner(platform, page);
  }, 120_000);
  afterAll(() => platform?.stop());

  const sessions = () => join(platform.home, '.planton/sessions.json');
  const stored = () => {
    const { servers } = JSON.parse(readFileSync(sessions(), 'utf8'));
    return servers[platform.url].accounts[EMAIL];
  };
  const whoAmI = (credential: string) =>
    fetch(`${platform.url}/planton.identity.v1.Identity/WhoAmI`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${credential}` },
      body: '{}',
    });

  test('the link of the owner is in a file alone, and used up with it', async () => {
    expect(platform.log()).toContain('owner-setup-link');
    expect(platform.log()).not.toContain('token=');
    expect(existsSync(join(platform.dataDir, 'owner-setup-link'))).toBe(false);
  });

  test('the command line signs in by the browser, and works as the person', async () => {
    const { link, ended } = await openedBy(platform, ['auth', 'login']);
    const stranger = await (await newPerson()).newPage();
    await stranger.goto(link);
    await picture(stranger, 'sign-in');
    await stranger.getByLabel('E-mail').fill(EMAIL);
    await stranger.getByLabel('Password').fill('not the password');
    await stranger.getByRole('button', { name: 'Sign in' }).click();
    await stranger.getByRole('alert').waitFor();
    await picture(stranger, 'sign-in-wrong');
    await stranger.getByLabel('Password').fill(PASSWORD);
    await stranger.getByRole('button', { name: 'Sign in' }).click();
    await stranger.getByRole('heading', { name: 'Sign in on the command line?' }).waitFor();
    await picture(stranger, 'allow');
    await stranger.getByRole('button', { name: 'Allow' }).click();
    await stranger.getByText('Go on in your terminal').waitFor();
    const { code, stderr } = await ended;
    expect([code, stderr]).toEqual([0, expect.stringContaining('as Ada Lovelace')]);
    expect(stderr).not.toMatch(/planton_(session|refresh)_|code=/);

    expect(statSync(sessions()).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(platform.home, '.planton')).filter((name) => name.endsWith('.lock'))).toEqual([]);
    expect(readdirSync(join(platform.home, '.planton/browser'))).toEqual([]);
    expect(await platform.planton('auth', 'whoami')).toContain(
      `Ada Lovelace <${EMAIL}> (user, owner of this server)`,
    );
    await platform.planton('org', 'create', 'acme');
    await platform.planton('secret', 'set', 'kept', 'value=precious');
    expect(await platform.planton('secret', 'get', 'kept', '--key', 'value', '--reveal')).toContain(
      'precious',
    );
    expect(faults).toEqual([]);
  });

  test('saying no in the browser is an answer', async () => {
    const { link, ended } = await openedBy(platform, ['auth', 'login']);
    await page.goto(link);
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.getByText('Nothing was allowed').waitFor();
    expect(await ended).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('cancelled in the browser'),
    });
  });

  test('a redirect that is not of this sign-in is sent away, and the wait goes on', async () => {
    const { link, ended } = await openedBy(platform, ['auth', 'login']);
    const words = new URL(link).searchParams;
    const redirect = words.get('redirect_uri') ?? '';
    for (const query of ['', '?code=A', `?code=A&state=${'x'.repeat(43)}`, '?error=access_denied']) {
      expect((await fetch(redirect + query)).status).toBe(400);
    }
    const rebound = await fetch(`${redirect}?code=A&state=${words.get('state')}`, { method: 'POST' });
    expect(rebound.status).toBe(400);
    await page.goto(link);
    await page.getByRole('button', { name: 'Allow' }).click();
    expect(await ended).toMatchObject({ code: 0 });
  });

  test('where there is no browser, a code is typed in one elsewhere', async () => {
    const { child, said } = spawnLogin(platform, ['auth', 'login', '--device']);
    const code = (await said(/^ {2}([A-Z]{4}-[A-Z]{4})$/m))[1] ?? '';
    await page.goto((await said(/open (\S+) in a browser/))[1] ?? '');
    await picture(page, 'device');
    await page.getByLabel('Code').fill('bcdf ghjk');
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Code').fill(code.toLowerCase().replace('-', ' '));
    await page.getByRole('button', { name: 'Continue' }).click();
    await page.getByRole('heading', { name: 'Let this program act in your name?' }).waitFor();
    expect(await page.getByText(code).isVisible()).toBe(true);
    await picture(page, 'device-allow');
    await page.getByRole('button', { name: 'Allow' }).click();
    await page.getByRole('heading', { name: 'Allowed' }).waitFor();
    expect(await child).toBe(0);
    expect(await platform.planton('auth', 'whoami')).toContain(EMAIL);
  });

  test('many commands at once refresh once, and go on', async () => {
    await signInBy(platform, page);
    const before = stored();
    const file = JSON.parse(readFileSync(sessions(), 'utf8'));
    file.servers[platform.url].accounts[EMAIL].accessEnd = 0;
    writeFileSync(sessions(), JSON.stringify(file), { mode: 0o600 });
    const all = await Promise.all(Array.from({ length: 5 }, () => platform.cli(['org', 'list'])));
    expect(all.map(({ code, stderr }) => [code, stderr])).toEqual(all.map(() => [0, '']));
    expect(stored().refresh).not.toBe(before.refresh);
    expect((await whoAmI(stored().access)).status).toBe(200);
    const replayed = new URLSearchParams({
      client_id: 'planton-cli',
      grant_type: 'refresh_token',
      refresh_token: before.refresh,
    });
    expect((await fetch(`${platform.url}/auth/token`, { method: 'POST', body: replayed })).status).toBe(400);
    await until(async () => (await whoAmI(stored().access)).status === 401);
    expect(await platform.cli(['org', 'list'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('planton auth login'),
    });
  });

  test('signing out ends the sign-in everywhere within a second, and an API key wins while it is given', async () => {
    await signInBy(platform, page);
    const { access } = stored();
    expect((await whoAmI(access)).status).toBe(200);
    const env = { ...platform.env, PLANTON_API_KEY: 'planton_' };
    expect((await platform.cli(['org', 'list'], { env })).code).toBe(4);
    expect(await platform.cli(['auth', 'logout'])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(EMAIL),
    });
    await until(async () => (await whoAmI(access)).status === 401);
    expect(readFileSync(sessions(), 'utf8')).not.toContain('planton_');
    expect(await platform.cli(['org', 'list'])).toMatchObject({ code: 4 });
    await platform.signInAsOwner();
    expect(await platform.planton('auth', 'whoami')).toContain('Ada Lovelace');
  });

  test('a server that is away at the sign-out leaves nothing here', async () => {
    await signInBy(platform, page);
    await platform.end('SIGTERM');
    expect(await platform.cli(['auth', 'logout'])).toMatchObject({
      code: 7,
      stderr: expect.stringContaining('could not be told'),
    });
    expect(readFileSync(sessions(), 'utf8')).not.toContain('planton_');
    await platform.start();
  });

  test('the command makes a new link while the server runs, which replaces the password', async () => {
    const env = { ...platform.env, PLANTON_DATA_DIR: platform.dataDir, PLANTON_PUBLIC_URL: platform.url };
    const { code, stdout } = await platform.cli(['server', 'owner-link'], { env });
    expect(code).toBe(0);
    const visitor = await (await newPerson()).newPage();
    await visitor.goto(stdout.trim());
    expect(await visitor.getByLabel('E-mail').inputValue()).toBe(EMAIL);
    await setUpOwner(platform, visitor);
    await visitor.goto(stdout.trim());
    await visitor.getByText('not good any more').waitFor();
    await picture(visitor, 'link-gone');
  });
});
