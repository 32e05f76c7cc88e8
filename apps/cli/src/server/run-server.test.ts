import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { afterEach, expect, test } from 'vitest';
import { runServer } from './run-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'planton-server-test-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const missing = pathToFileURL(join(folder, 'nothing.mjs'));

test('hands the words over to the first program that is there, and passes its exit code on', async () => {
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    'export const main = async (argv) => (argv.join(" ") === "start --listen 127.0.0.1:0" ? 9 : 1);',
  );
  expect(await runServer(['start', '--listen', '127.0.0.1:0'], [missing, pathToFileURL(program)])).toBe(9);
});

test('says so where the server is not installed', async () => {
  await expect(runServer(['start'], [missing])).rejects.toThrow('the server is not installed with this CLI');
});

test.each([[['start', '--listen', 'x', '--help']], [['template', '-h']], [[]], [['--help']]])(
  '%j reaches the server as it was typed',
  async (words) => {
    const { addServerTo } = await import('./index.ts');
    let handed: readonly string[] = [];
    const program = new Command().exitOverride();
    addServerTo(program, async (args) => {
      handed = args;
    });
    await program.parseAsync(['server', ...words], { from: 'user' });
    expect(handed).toEqual(words);
  },
);
