import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { configHome } from '../settings/config-home.ts';
import type { Surroundings } from '../terminal/terminal.ts';
import type { Opener } from './choose-browser.ts';
import { type Page, writePage } from './write-page.ts';

/** A link that was handed to a browser. */
export interface OpenedLink {
  /** Removes what the browser read the link from; at the latest it goes with the process. */
  readonly close: () => void;
}

type Env = Surroundings['env'];

/** Milliseconds after which a command that still runs has not failed: it may be the browser itself. */
const startTime = 2000;

/** Milliseconds for the system to say which program opens pages. */
const lookupTime = 2000;

/**
 * Opens a link that is for this person alone; undefined where no opener could. A command that still runs after `patience`, in
 * milliseconds, has not failed.
 *
 * Every user of a machine can read the arguments of its processes, and no browser takes a link in another way. So the link is in a page
 * that leads on to it, in a folder and a file that their owner alone can read, and the path of that file is the argument. A server on
 * loopback would have to trust whoever asks it first, which can be another user. The folder is the CLI's own and not the system's for
 * temporary files, which browsers in a sandbox do not see. A browser that is a snap does not see hidden folders of the home folder either:
 * for it the page is in the folder that the system keeps for that snap.
 */
export async function openLink(
  cli: Surroundings,
  link: URL,
  openers: readonly Opener[],
  { patience = startTime, where }: { readonly patience?: number; readonly where?: string } = {},
): Promise<OpenedLink | undefined> {
  const { PLANTON_API_KEY: _, ...env } = cli.env;
  for (const opener of openers) {
    const page = tryWritePage(await folderFor(cli, opener), link, where);
    if (!page) continue;
    process.once('exit', page.remove);
    const close = () => {
      process.removeListener('exit', page.remove);
      page.remove();
    };
    if (await start(fill(opener, page.file), env, patience)) return { close };
    close();
  }
  return undefined;
}

/** Undefined where nothing can be written. */
function tryWritePage(folder: string, link: URL, where: string | undefined): Page | undefined {
  try {
    return writePage(folder, link, where);
  } catch {
    return undefined;
  }
}

function fill(opener: Opener, file: string): readonly string[] {
  const url = pathToFileURL(file).href;
  return opener.map((word) => word.replace(/%[sf]/g, (place) => (place === '%s' ? url : file)));
}

async function folderFor(cli: Surroundings, [command = '']: Opener): Promise<string> {
  const program = command === 'xdg-open' ? await programForPages(cli.env) : basename(command);
  const ofSnap = join(cli.env.HOME ?? '', 'snap', program, 'common');
  return cli.env.HOME && program !== '' && existsSync(ofSnap)
    ? join(ofSnap, 'planton')
    : join(configHome(cli), 'browser');
}

/** The program that opens pages, such as `firefox` for the snap's `firefox_firefox.desktop`; empty where that is unknown. */
function programForPages(env: Env): Promise<string> {
  return new Promise((resolve) => {
    execFile(
      'xdg-mime',
      ['query', 'default', 'text/html'],
      { env, timeout: lookupTime, maxBuffer: 4096 },
      (error, stdout) => resolve(error ? '' : (/^[\w-]+?(?=_|\.desktop)/.exec(stdout)?.[0] ?? '')),
    );
  });
}

/** Whether a command has started and did not fail at once. It is not ended by what ends this process, such as Ctrl-C. */
function start([command = '', ...args]: readonly string[], env: Env, patience: number): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env, stdio: 'ignore', detached: true });
    const running = setTimeout(() => resolve(true), patience);
    const settle = (started: boolean) => {
      clearTimeout(running);
      resolve(started);
    };
    child.once('error', () => settle(false));
    child.once('exit', (code) => settle(code === 0 || process.platform === 'win32'));
    child.unref();
  });
}
