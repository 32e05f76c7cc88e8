import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { runCompanion } from './run-companion.ts';

const folder = mkdtempSync(join(tmpdir(), 'planton-companion-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = pathToFileURL(join(folder, 'nothing.mjs'));

test('hands the words over to the first program that is there, and passes its exit code on', async () => {
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    'export const main = async (argv) => (argv.join(" ") === "start --listen 127.0.0.1:0" ? 9 : 1);',
  );
  const words = ['start', '--listen', '127.0.0.1:0'];
  expect(await runCompanion('server', words, [missing, pathToFileURL(program)])).toBe(9);
});

test.each(['server', 'runner'] as const)('says so where the %s is not installed', async (name) => {
  await expect(runCompanion(name, ['start'], [missing])).rejects.toMatchObject({
    message: `the ${name} is not installed with this CLI`,
    hint: expect.stringContaining(`planton-${name}.mjs`),
    exitCode: 1,
  });
});

test('a file that is no program is not run', async () => {
  const file = join(folder, 'other.mjs');
  writeFileSync(file, 'export const other = 1;');
  await expect(runCompanion('runner', [], [pathToFileURL(file)])).rejects.toThrow('is no runner program');
});
