import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Platform, startPlatform } from '@planton/test-platform';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from './until.ts';
import { hasBrowser, picture, useBrowser } from './use-browser.ts';
import { EMAIL, PASSWORD, setUpOwner, signInBy } from './use-owner.ts';

const GRACE = 'grace@example.com';

describe.skipIf(!hasBrowser)('inviting people with Chromium (skipped where there is none)', () => {
  const { newPerson } = useBrowser();
  let platform: Platform;
  let owner: Page;
  let grace: Page;
  let home: string;
  const faults: string[] = [];

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'planton-grace-'));
    platform = await startPlatform();
    const open = async () => {
      const page = await (await newPerson()).newPage();
      page.on('console', (message) => {
        // Refusals are pages of their own, with a status that Chromium reports.
        const { type, text } = { type: message.type(), text: message.text() };
        if (type === 'error' && !/status of 4\d\d/.test(text)) faults.push(text);
      });
      return page;
    };
    [owner, grace] = [await open(), await open()];
    await setUpOwner(platform, owner);
    await platform.signInAsOwner();
    for (const slug of ['acme', 'globex']) await platform.planton('org', 'create', slug);
    await platform.planton('env', 'create', 'staging', '--org', 'acme');
  }, 120_000);
  afterAll(async () => {
    await platform?.stop();
    rmSync(home, { recursive: true, force: true });
  });

  /** The platform as its other user sees it, with a home of their own. */
  const asGrace = (): Platform => {
    const { PLANTON_API_KEY: _, ...env } = platform.env;
    const own = { ...env, HOME: home, PLANTON_CONFIG_HOME: join(home, '.planton') };
    return { ...platform, env: own, cli: (args, more = {}) => platform.cli(args, { env: own, ...more }) };
  };
  const invite = async (...args: string[]) => {
    const { code, stdout, stderr } = await platform.cli(['member', 'invite', '--email', GRACE, ...args]);
    if (code !== 0) throw new Error(stderr);
    return stdout.trim();
  };

  test('a new person sets the account up at the link, and works on the command line with the role', async () => {
    const link = await invite('--org', 'acme', '--role', 'developer', '--env', 'staging');
    expect(await platform.planton('member', 'invitation', 'list', '--org', 'acme')).toMatch(
      /grace@example\.com +developer +staging +Ada Lovelace .* good/,
    );
    await grace.goto(link);
    await grace.getByRole('heading', { name: 'Join acme' }).waitFor();
    expect(await grace.getByLabel('E-mail').inputValue()).toBe(GRACE);
    expect(await grace.getByLabel('E-mail').isEditable()).toBe(false);
    await picture(grace, 'invitation-new');
    await grace.getByLabel('Name').fill('Grace Hopper');
    await grace.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await grace.getByLabel('The same password again').fill(`${PASSWORD}!`);
    await grace.getByRole('button', { name: 'Set up and join' }).click();
    await grace.getByRole('alert').waitFor();
    await picture(grace, 'invitation-new-wrong');
    await grace.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await grace.getByLabel('The same password again').fill(PASSWORD);
    await grace.getByRole('button', { name: 'Set up and join' }).click();
    await grace.getByRole('heading', { name: 'Welcome to acme' }).waitFor();
    await picture(grace, 'invitation-accepted');

    expect(await signInBy(asGrace(), grace)).toMatchObject({ code: 0 });
    const { stdout } = await asGrace().cli(['auth', 'whoami']);
    expect(stdout).toContain(`Grace Hopper <${GRACE}> (user)`);
    expect(stdout).toMatch(/acme +developer/);
    expect(await platform.planton('member', 'list', '--org', 'acme')).toMatch(/Grace Hopper .* staging/);
    expect(platform.log()).not.toContain(link.slice(-43));

    const late = await (await newPerson()).newPage();
    await late.goto(link);
    await late.getByText('not good any more').waitFor();
    await picture(late, 'invitation-gone');
  });

  test('who has an account signs in and says yes, and nobody else can', async () => {
    const link = await invite('--org', 'globex', '--role', 'admin');
    await owner.goto(link);
    await owner.getByRole('heading', { name: 'This invitation is for somebody else' }).waitFor();
    await picture(owner, 'invitation-somebody-else');
    await owner.getByRole('button', { name: 'Sign out and go on' }).click();
    await owner.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await owner.getByLabel('E-mail').inputValue()).toBe(GRACE);
    await picture(owner, 'invitation-sign-in');
    await owner.getByLabel('Password').fill(PASSWORD);
    await owner.getByRole('button', { name: 'Sign in' }).click();
    await owner.getByRole('heading', { name: 'Join globex?' }).waitFor();
    await picture(owner, 'invitation-confirm');
    expect((await asGrace().cli(['auth', 'whoami'])).stdout).not.toContain('globex');
    await owner.getByRole('button', { name: 'Join' }).click();
    await owner.getByRole('heading', { name: 'Welcome to globex' }).waitFor();
    expect((await asGrace().cli(['auth', 'whoami'])).stdout).toMatch(/globex +admin/);
    expect((await asGrace().cli(['env', 'list', '--org', 'globex'])).code).toBe(0);
  });

  test('the owner of the server disables the account, enables it, and makes a link for a new password', async () => {
    // Another service than Identity, which learns of it by the revocations.
    const sessions = JSON.parse(readFileSync(join(home, '.planton/sessions.json'), 'utf8'));
    const { access } = sessions.servers[platform.url].accounts[GRACE];
    const listVariables = async () =>
      (
        await fetch(`${platform.url}/planton.config.v1.ConfigManager/ListVariables`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: `Bearer ${access}` },
          body: '{"org":"acme"}',
        })
      ).status;
    expect(await listVariables()).toBe(200);
    const disabled = await platform.cli(['account', 'disable', GRACE, '--yes']);
    expect(disabled).toMatchObject({ code: 0, stderr: expect.stringContaining('disabled') });
    await until(async () => (await listVariables()) === 401);
    const out = await asGrace().cli(['org', 'list']);
    expect(out).toMatchObject({ code: 4, stderr: expect.stringContaining('planton auth login') });
    await grace.goto(`${platform.url}/auth/account`);
    await grace.getByLabel('E-mail').fill(GRACE);
    await grace.getByLabel('Password').fill(PASSWORD);
    await grace.getByRole('button', { name: 'Sign in' }).click();
    await grace.getByText('E-mail or password is wrong').waitFor();
    expect(await platform.planton('account', 'list')).toMatch(/Grace Hopper .* disabled since/);

    await platform.planton('account', 'enable', GRACE);
    const { stdout } = await platform.cli(['account', 'password-link', GRACE]);
    await grace.goto(stdout.trim());
    await grace.getByRole('heading', { name: 'Choose a new password' }).waitFor();
    await picture(grace, 'password');
    await grace.getByLabel('Password', { exact: true }).fill(`${PASSWORD} anew`);
    await grace.getByLabel('The same password again').fill(`${PASSWORD} anew`);
    await grace.getByRole('button', { name: 'Set the password and sign in' }).click();
    await grace.getByRole('heading', { name: 'You are signed in' }).waitFor();
    expect(await signInBy(asGrace(), grace)).toMatchObject({ code: 0 });
    expect((await asGrace().cli(['auth', 'whoami'])).stdout).toContain(GRACE);
    expect(await platform.cli(['account', 'disable', EMAIL, '--yes'])).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('nobody could administer the server'),
    });
    const trail = await platform.planton('audit', 'list', '--org', 'acme', '--service', 'identity');
    for (const action of ['invitation.create', 'invitation.accept', 'member.add', 'account.disable'])
      expect(trail).toContain(action);
    expect(faults).toEqual([]);
  });
});
