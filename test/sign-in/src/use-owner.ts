import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CliResult, Platform } from '@planton/test-platform';
import type { Page } from 'playwright-core';
import { onTestFinished } from 'vitest';
import { picture } from './use-browser.ts';

export const EMAIL = 'ada@example.com';
export const PASSWORD = 'correct horse battery staple';

/** Sets the owner's account up with the link in the file, which the server wrote at its first start. */
export async function setUpOwner(platform: Platform, page: Page): Promise<void> {
  const link = readFileSync(join(platform.dataDir, 'owner-setup-link'), 'utf8').trim();
  await page.goto(link);
  await picture(page, 'owner');
  await page.getByLabel('Name').fill('Ada Lovelace');
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByLabel('The same password again').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set up and sign in' }).click();
  await page.getByRole('heading', { name: 'You are signed in' }).waitFor();
  await picture(page, 'account');
}

/** A command that opens a browser, under way: the link that it opened, and how it ends. */
export interface Opening {
  readonly link: string;
  readonly ended: Promise<CliResult>;
}

/** Runs a command of which the "browser" is a program that copies the page that it was to show. */
export async function openedBy(platform: Platform, args: readonly string[]): Promise<Opening> {
  const folder = mkdtempSync(join(tmpdir(), 'planton-opened-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const copy = join(folder, 'page.html');
  const ended = platform.cli(args, { env: { ...platform.env, BROWSER: `cp %f ${copy}` } });
  let over: CliResult | undefined;
  void ended.then((result) => {
    over = result;
  });
  for (;;) {
    const html = existsSync(copy) ? readFileSync(copy, 'utf8') : '';
    const link = /href="([^"]+)"/.exec(html)?.[1];
    if (link) return { link: decode(link), ended };
    if (over) throw new Error(`ended without opening anything: ${over.stderr}`);
    await sleep(50);
  }
}

/** Signs the command line in, by the browser in which somebody is signed in. */
export async function signInBy(platform: Platform, page: Page): Promise<CliResult> {
  const { link, ended } = await openedBy(platform, ['auth', 'login']);
  await page.goto(link);
  await page.getByRole('button', { name: 'Allow' }).click();
  await page.getByText('Go on in your terminal').waitFor();
  return await ended;
}

/** A command that talks while it runs. */
export function spawnLogin(platform: Platform, args: readonly string[]) {
  const child = spawn(join(import.meta.dirname, '../../../bin/planton'), args, {
    env: platform.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let text = '';
  child.stderr.on('data', (chunk: Buffer) => {
    text += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    child: ended,
    /** Waits for what it says. */
    said: async (pattern: RegExp): Promise<RegExpExecArray> => {
      for (;;) {
        const found = pattern.exec(text);
        if (found) return found;
        if (child.exitCode !== null) throw new Error(`ended without saying it: ${text}`);
        await sleep(50);
      }
    },
  };
}

function decode(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}
