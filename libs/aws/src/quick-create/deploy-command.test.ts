import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deployCommand } from './deploy-command.ts';

/** What a shell makes of a command line whose program is `aws`. */
function argumentsOf(command: string): string[] {
  const script = `aws() { printf '%s\\0' "$@"; }\n${command}\n`;
  return execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
}

test('is written to be read', () => {
  const command = deployCommand({
    stackName: 'planton-connect-a',
    region: 'us-west-2',
    templateFile: 'template.yaml',
    parameters: { RoleName: 'role', EnableEks: 'true', Note: "it's" },
  });
  expect(command).toBe(`aws cloudformation deploy \\
  --stack-name planton-connect-a \\
  --region us-west-2 \\
  --template-file template.yaml \\
  --capabilities CAPABILITY_NAMED_IAM \\
  --parameter-overrides \\
    RoleName=role \\
    EnableEks=true \\
    'Note=it'\\''s'`);
});

test('names no parameters where there are none', () => {
  const command = deployCommand({ stackName: 'a', region: 'us-west-2', templateFile: 't', parameters: {} });
  expect(command).not.toContain('--parameter-overrides');
});

test('reaches the program word for word, whatever is in the values', () => {
  const values = fc.oneof(
    fc.string({ maxLength: 20 }),
    fc.constantFrom(
      '',
      '$(touch x)',
      '`id`',
      "'",
      '"',
      '\\',
      'a\nb',
      '; rm',
      '~',
      '*',
      '!',
      '#',
      '&&',
      'a b',
    ),
  );
  const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,9}$/);
  const stacks = fc.record({ file: values, parameters: fc.dictionary(names, values, { maxKeys: 5 }) });
  fc.assert(
    fc.property(stacks, ({ file, parameters }) => {
      const command = deployCommand({ stackName: 'a', region: 'us-west-2', templateFile: file, parameters });
      const overrides = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
      expect(argumentsOf(command)).toEqual([
        'cloudformation',
        'deploy',
        '--stack-name',
        'a',
        '--region',
        'us-west-2',
        '--template-file',
        file,
        '--capabilities',
        'CAPABILITY_NAMED_IAM',
        ...(overrides.length > 0 ? ['--parameter-overrides', ...overrides] : []),
      ]);
    }),
    { numRuns: 60 },
  );
});
