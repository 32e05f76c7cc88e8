import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { renderTemplate } from '@planton/aws';
import { expect, test } from 'vitest';

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
