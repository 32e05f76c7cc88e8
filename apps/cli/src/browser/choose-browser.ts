import type { Surroundings } from '../terminal/terminal.ts';

/** The words of a command that opens a page, in which `%s` stands for the page's URL and `%f` for its file. */
export type Opener = readonly string[];

/** The openers to try in turn; none, and why, where there is no browser for the person who typed the command. */
export type BrowserChoice = { readonly openers: readonly Opener[] } | { readonly none: string };

/**
 * Says how a browser is opened here: by `$BROWSER`, else by what the system has for it. `$BROWSER` is several commands between colons,
 * as others read it, and counts also where nobody sits at a terminal. No shell reads it.
 */
export function chooseBrowser(
  { env, interactive }: Pick<Surroundings, 'env' | 'interactive'>,
  platform: NodeJS.Platform,
): BrowserChoice {
  if (env.BROWSER?.trim()) return { openers: openersOf(env.BROWSER, platform) };
  if (env.SSH_CONNECTION || env.SSH_CLIENT || env.SSH_TTY) return { none: 'this is an SSH session' };
  if (!interactive) return { none: 'nobody sits at a terminal' };
  if (platform === 'darwin') return { openers: [['open', '%f']] };
  // It ends with 1 whatever happens, and unlike `cmd /c start` it takes a path without reading more into it.
  if (platform === 'win32') return { openers: [['explorer.exe', '%f']] };
  if (!env.DISPLAY && !env.WAYLAND_DISPLAY) return { none: 'there is no display' };
  return { openers: [['xdg-open', '%f']] };
}

function openersOf(text: string, platform: NodeJS.Platform): readonly Opener[] {
  const commands = platform === 'win32' ? [text] : text.split(':');
  return commands
    .map((command) => command.split(' ').filter((word) => word !== ''))
    .filter((words) => words.length > 0)
    .map((words) => (words.some((word) => /%[sf]/.test(word)) ? words : [...words, '%s']));
}
