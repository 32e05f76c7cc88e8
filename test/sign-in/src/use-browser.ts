import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

const program = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync);

/** Whether this machine has a browser; without one such tests are skipped. */
export const hasBrowser = program !== undefined;

/** A folder for pictures of the pages, for people to look at; none are taken when absent. */
const pictures = process.env.PLANTON_TEST_PICTURES;

/** Gives the surrounding `describe` Chromium. */
export function useBrowser() {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await chromium.launch({
      ...(program !== undefined && { executablePath: program }),
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(() => browser?.close());
  return {
    /** Somebody's browser, with cookies of its own. */
    newPerson: async (): Promise<BrowserContext> => {
      if (!browser) throw new Error('the browser exists only while the tests of its describe run');
      return browser.newContext({ viewport: { width: 900, height: 820 } });
    },
  };
}

/** Takes pictures of a page, by day and by night, where they are wanted. */
export async function picture(page: Page, name: string): Promise<void> {
  if (pictures === undefined) return;
  mkdirSync(pictures, { recursive: true });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(pictures, `${name}-${colorScheme}.png`), fullPage: true });
  }
  await page.emulateMedia({ colorScheme: null });
}
