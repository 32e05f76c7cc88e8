import { expect, test } from 'vitest';
import { type BrowserChoice, chooseBrowser } from './choose-browser.ts';

type Env = Readonly<Record<string, string>>;
const choose = (env: Env, platform: NodeJS.Platform, interactive = true) =>
  chooseBrowser({ env, interactive }, platform);

test.each<[string, Env, NodeJS.Platform, BrowserChoice]>([
  ['a Mac', {}, 'darwin', { openers: [['open', '%f']] }],
  ['Windows', {}, 'win32', { openers: [['explorer.exe', '%f']] }],
  ['X11', { DISPLAY: ':0' }, 'linux', { openers: [['xdg-open', '%f']] }],
  ['Wayland', { WAYLAND_DISPLAY: 'wayland-0' }, 'freebsd', { openers: [['xdg-open', '%f']] }],
  ['no display', {}, 'linux', { none: 'there is no display' }],
  ['SSH', { SSH_CONNECTION: 'a', DISPLAY: ':10' }, 'linux', { none: 'this is an SSH session' }],
  ['SSH to a Mac', { SSH_TTY: '/dev/ttys1' }, 'darwin', { none: 'this is an SSH session' }],
  ['$BROWSER', { BROWSER: 'firefox' }, 'linux', { openers: [['firefox', '%s']] }],
  ['$BROWSER that is blank', { BROWSER: ' ', DISPLAY: ':0' }, 'linux', { openers: [['xdg-open', '%f']] }],
  [
    '$BROWSER with several commands',
    { BROWSER: 'a -x %s -y::b  --new', SSH_CLIENT: 'x' },
    'linux',
    {
      openers: [
        ['a', '-x', '%s', '-y'],
        ['b', '--new', '%s'],
      ],
    },
  ],
  ['$BROWSER on Windows', { BROWSER: 'C:\\b.exe' }, 'win32', { openers: [['C:\\b.exe', '%s']] }],
])('%s', (_, env, platform, choice) => {
  expect(choose(env, platform)).toEqual(choice);
});

test('where nobody sits at a terminal only $BROWSER opens one', () => {
  expect(choose({ DISPLAY: ':0' }, 'linux', false)).toEqual({ none: 'nobody sits at a terminal' });
  expect(choose({}, 'darwin', false)).toEqual({ none: 'nobody sits at a terminal' });
  expect(choose({ BROWSER: 'b' }, 'linux', false)).toEqual({ openers: [['b', '%s']] });
});
