import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderTemplate } from '@planton/aws';
import { expect, onTestFinished, test } from 'vitest';

const program = fileURLToPath(new URL('./main.ts', import.meta.url));

const run = (...args: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

test('template prints the template and nothing else', async () => {
  expect(await run('template')).toEqual({ code: 0, stdout: renderTemplate(), stderr: '' });
}, 60_000);

test('template takes no arguments', async () => {
  expect(await run('template', 'out.yaml')).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringContaining('takes no arguments\nhint: planton server template'),
  });
}, 60_000);

test('owner-link prints a link, which is in a file of its operator too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'planton-owner-link-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'owner-setup-link');
  const args = ['owner-link', '--data-dir', folder, '--public-url', 'https://planton.example.com/'];
  const first = await run(...args);
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^https:\/\/planton\.example\.com\/auth\/owner\?token=\d+\.[\w-]{43}\n$/),
    stderr: expect.stringContaining(file),
  });
  expect(readFileSync(file, 'utf8')).toBe(first.stdout);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect((await run(...args)).stdout).not.toBe(first.stdout);
  expect(await run('owner-link', '--nonsense')).toMatchObject({ code: 2, stdout: '' });
}, 60_000);

test.each([
  [['--help'], 'planton server template'],
  [['template', '--help'], 'aws s3 cp template.yaml s3://BUCKET/'],
  [['start', '-h'], '--aws-template-url'],
])(
  '%j says so',
  async (args, expected) => {
    const { code, stdout } = await run(...args);
    expect(code).toBe(0);
    expect(stdout).toContain(expected);
  },
  60_000,
);
