/**
 * Installs Chromium for the tests that click through pages, where it is missing and Debian's package manager may be used. Elsewhere it says
 * how to get it, and those tests are skipped.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const run = (program: string, ...args: string[]) =>
  spawnSync(program, args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  }).status === 0;

if (!places.some((place) => existsSync(place))) {
  const mayInstall = process.getuid?.() === 0 && existsSync('/usr/bin/apt-get');
  const installed =
    mayInstall &&
    run('apt-get', 'update', '-qq') &&
    run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'chromium');
  if (!installed) process.stdout.write('Chromium is not installed: tests of pages are skipped\n');
}
