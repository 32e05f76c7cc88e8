import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { fakeProgram } from '../testing/fake-program.ts';
import { cliAt } from '../testing/run-cli.ts';
import type { Opener } from './choose-browser.ts';
import { openLink } from './open-link.ts';

const link = new URL('https://console.example/home?a=1&b=<2>#/x?token=SETUP-TOKEN&quote="\'');

function start() {
  const { home, env } = cliAt('http://127.0.0.1:1');
  const ignored = new PassThrough();
  const open = (openers: readonly Opener[], path: string, more: Readonly<Record<string, string>> = {}) =>
    openLink(
      {
        env: { ...env, ...more, PATH: path },
        stdin: ignored,
        stdout: ignored,
        stderr: ignored,
        interactive: true,
        terminalOutput: true,
        now: () => new Date(0),
      },
      link,
      openers,
      { patience: 60_000 },
    );
  return { home, open };
}

/** What a browser makes of the page: where it goes at once, and where its link leads. */
function destinations(page: string): readonly string[] {
  const decode = (text: string) => text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
  return [/content="0;url=([^"]*)"/, /href="([^"]*)"/].map((part) => decode(part.exec(page)?.[1] ?? ''));
}

test('the browser gets a page that its owner alone can read, and no argument that holds the link', async () => {
  const { home, open } = start();
  const browser = fakeProgram(home, 'my-browser');
  const opened = await open([['my-browser', '--new', '%s']], browser.path);
  const { args, page, modes, env } = browser.started() ?? { args: [], page: '', modes: [], env: {} };
  expect(destinations(page)).toEqual([link.href, link.href]);
  expect(modes).toEqual([0o600, 0o700]);
  expect(args[0]).toBe('--new');
  expect(args[1]).toMatch(pathToFileURL(join(home, 'config/browser')).href);
  expect(JSON.stringify(args)).not.toMatch(/TOKEN|console/);
  expect(env.PLANTON_API_KEY).toBeUndefined();
  expect(statSync(join(home, 'config')).mode & 0o777).toBe(0o700);

  opened?.close();
  expect(readdirSync(join(home, 'config/browser'))).toEqual([]);
});

test('a browser that is a snap finds its page in the folder of that snap', async () => {
  const { home, open } = start();
  const snap = join(home, 'snap/firefox/common');
  mkdirSync(snap, { recursive: true });
  const opener = fakeProgram(home, 'xdg-open');
  writeFileSync(
    join(home, 'bin/xdg-mime'),
    '#!/bin/sh\n[ "$3" = text/html ] && echo firefox_firefox.desktop\n',
    {
      mode: 0o755,
    },
  );
  const opened = await open([['xdg-open', '%f']], opener.path);
  const [file = ''] = opener.started()?.args ?? [];
  expect(dirname(dirname(file))).toBe(join(snap, 'planton'));
  expect(opener.started()?.modes).toEqual([0o600, 0o700]);
  opened?.close();
  expect(existsSync(file)).toBe(false);

  const named = fakeProgram(home, 'firefox');
  (await open([['firefox', '%f']], named.path))?.close();
  expect(named.started()?.args[0]).toContain(snap);
});

test.each(['echo chromium.desktop', 'exit 3'])(
  'another browser finds it in the own folder: %s',
  async (answer) => {
    const { home, open } = start();
    const opener = fakeProgram(home, 'xdg-open');
    writeFileSync(join(home, 'bin/xdg-mime'), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
    (await open([['xdg-open', '%f']], opener.path))?.close();
    expect(opener.started()?.args[0]).toContain(join(home, 'config/browser'));
  },
);

test('what does not start, or fails at once, is followed by the next, and leaves nothing behind', async () => {
  const { home, open } = start();
  const broken = fakeProgram(home, 'broken', 3);
  const browser = fakeProgram(home, 'my-browser');
  const opened = await open(
    [
      ['no-such-browser', '%s'],
      ['broken', '%s'],
      ['my-browser', '%s'],
    ],
    browser.path,
  );
  expect(broken.started()).toBeDefined();
  expect(browser.started()).toBeDefined();
  expect(readdirSync(join(home, 'config/browser'))).toHaveLength(1);
  opened?.close();

  expect(
    await open(
      [
        ['no-such-browser', '%s'],
        ['broken', '%s'],
      ],
      browser.path,
    ),
  ).toBeUndefined();
  expect(readdirSync(join(home, 'config/browser'))).toEqual([]);
});

test('where no page can be written nothing is opened', async () => {
  const { home, open } = start();
  const browser = fakeProgram(home, 'my-browser');
  writeFileSync(join(home, 'file'), '');
  const opened = await open([['my-browser', '%s']], browser.path, {
    PLANTON_CONFIG_HOME: join(home, 'file/x'),
  });
  expect({ opened, started: browser.started() }).toEqual({ opened: undefined, started: undefined });
});
