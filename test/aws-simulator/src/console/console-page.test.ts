import { existsSync } from 'node:fs';
import { renderTemplate } from '@planton/aws';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { AwsSimulator } from '../server/simulator.ts';
import { startAwsSimulator } from '../server/start-simulator.ts';
import {
  CONNECTION_ACCOUNTS,
  CUSTOMER,
  connectionTemplate,
  EXTERNAL_ID,
  quickCreateLink,
  TEMPLATE_URL,
} from '../testing/connection-template.ts';
import { type Callback, startCallback } from '../testing/start-callback.ts';

const PLATFORM_TEMPLATE_URL = 'https://planton.s3.us-west-2.amazonaws.com/platform.yaml';
const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

describe.skipIf(CHROMIUM === undefined)('in Chromium (skipped where there is none)', () => {
  let browser: Browser;
  let page: Page;
  let simulator: AwsSimulator;
  let callback: Callback;
  const faults: string[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({
      ...(CHROMIUM !== undefined && { executablePath: CHROMIUM }),
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
  beforeEach(async () => {
    callback = await startCallback();
    simulator = await startAwsSimulator({
      accounts: CONNECTION_ACCOUNTS,
      templates: { [TEMPLATE_URL]: connectionTemplate(), [PLATFORM_TEMPLATE_URL]: renderTemplate() },
    });
    page = await browser.newPage({ viewport: { width: 1100, height: 900 } });
    faults.length = 0;
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
  });
  afterEach(async () => {
    await page.close();
    await simulator.stop();
    await callback.stop();
  });

  const open = (parameters: Readonly<Record<string, string>> = {}) => {
    const link = new URL(quickCreateLink({ CallbackUrl: callback.url, ...parameters }));
    return page.goto(`${simulator.url}${link.pathname}${link.search}${link.hash}`);
  };
  const screenshot = async (name: string) => {
    const folder = process.env.SIMULATOR_SCREENSHOTS;
    if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  };

  test('a person who edits nothing, ticks and clicks gets a stack', async () => {
    await open();
    await page.getByRole('heading', { name: 'Quick create stack' }).waitFor();
    expect(await page.getByLabel('Stack name').inputValue()).toBe('planton-connect-acme');
    expect(await page.getByLabel('External ID').inputValue()).toBe(EXTERNAL_ID);
    expect(await page.locator('h3').allTextContents()).toEqual([
      'Who may assume the role',
      'The role',
      'Other parameters',
    ]);
    expect(await page.locator('header').textContent()).toContain(`Account ${CUSTOMER}`);
    await screenshot('form');
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Create stack' }).click();
    await page.locator('#status', { hasText: 'CREATE_COMPLETE' }).waitFor();
    await screenshot('stack');
    expect(simulator.stack('planton-connect-acme')?.status).toBe('CREATE_COMPLETE');
    expect(callback.bodies).toHaveLength(1);

    await page.getByRole('button', { name: 'Delete stack' }).click();
    await page.locator('#status', { hasText: 'DELETE_COMPLETE' }).waitFor();
    expect(faults).toEqual([]);
  });

  test("the platform's own template, whose switches a person turns", async () => {
    const link = new URL(quickCreateLink({ EnableS3Storage: 'true' }, PLATFORM_TEMPLATE_URL));
    await page.goto(`${simulator.url}${link.pathname}${link.search}${link.hash}`);
    await page.getByLabel('EKS clusters').selectOption('true');
    await page.getByLabel('S3 storage').selectOption('false');
    await screenshot('platform');
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Create stack' }).click();
    await page.locator('#status', { hasText: 'CREATE_COMPLETE' }).waitFor();
    const { resources = [] } = simulator.stack('planton-connect-acme') ?? {};
    expect(resources.map(({ logicalId }) => logicalId)).toEqual(['Role', 'EksPolicy']);
    expect(faults).toEqual([]);
  });

  test('a box that is not ticked and a value that is not allowed are refused on the page', async () => {
    await open();
    await page.getByRole('button', { name: 'Create stack' }).click();
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('CAPABILITY_NAMED_IAM');
    await page.getByRole('checkbox').check();
    await page.getByLabel('External ID').fill('F');
    await page.getByRole('button', { name: 'Create stack' }).click();
    await expect
      .poll(() => page.getByRole('alert').textContent())
      .toContain('Parameter ExternalId failed to satisfy constraint: must be 64 hexadecimal digits');
    await screenshot('refused');
    expect(simulator.stack('planton-connect-acme')).toBeUndefined();
  });

  test('markup in a link or a template stays text, and what the link may not set is not set', async () => {
    const markup = '<img src=x onerror="document.title=\'owned\'">';
    await open({ RoleName: markup, Internal: 'from the link', Unknown: 'x' });
    await page.getByRole('heading', { name: 'Quick create stack' }).waitFor();
    expect(await page.getByLabel('RoleName').inputValue()).toBe(markup);
    expect(await page.getByLabel('Internal').inputValue()).toBe('hidden');
    expect(
      await page.getByText('A role that one principal may assume <b>with</b> an external ID.').count(),
    ).toBe(1);
    expect(await page.locator('#param-Unknown').count()).toBe(0);
    await page.getByRole('checkbox').check();
    await page.getByRole('button', { name: 'Create stack' }).click();
    await page.locator('#status', { hasText: 'ROLLBACK_COMPLETE' }).waitFor();
    await screenshot('failed');
    expect(await page.locator('img').count()).toBe(0);
    expect(await page.title()).toBe('CloudFormation (AWS simulator)');
    expect(faults).toEqual([]);
  });

  test('a template that nobody may fetch is refused, and a link can be pasted', async () => {
    await page.goto(`${simulator.url}/cloudformation/home`);
    await page.getByLabel('Quick-create link').fill(quickCreateLink({}, 'https://example.com/template.yaml'));
    await screenshot('start');
    await page.getByRole('button', { name: 'Open' }).click();
    await expect
      .poll(() => page.getByRole('alert').textContent())
      .toContain('TemplateURL must be a supported URL');
  });
});
