import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildTemplate } from './build-template.ts';
import { renderTemplate } from './render-template.ts';
import { TEMPLATE_VERSION } from './template-version.ts';
import { evaluateTemplate, readTemplate } from './testing/evaluate-template.ts';
import { CALLBACK, EXTERNAL_ID, REQUIRED } from './testing/parameters.ts';

const text = renderTemplate();
const template = readTemplate(text);

test('is the same text every time, in lines of plain ASCII, small enough to be passed inline', () => {
  expect(renderTemplate()).toBe(text);
  expect(text).toMatch(/^# Planton Connect.*\n(?:[\x20-\x7e]*\n)*$/);
  expect(text).not.toMatch(/[ \t]$/m);
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(51_200);
});

test.each(['1.1', '1.2'] as const)('reads as it was built by YAML %s', (version) => {
  expect(parse(text, { version })).toEqual(buildTemplate());
});

test('says its version in the header, the metadata, the outputs, the tags and the callback', () => {
  const { resources, outputs } = evaluateTemplate(template, { ...REQUIRED, ...CALLBACK });
  expect(text.split('\n', 1)[0]).toContain(`version ${TEMPLATE_VERSION}`);
  expect(template.Metadata['Planton::Template']).toEqual({ Version: TEMPLATE_VERSION });
  expect(outputs).toEqual({
    RoleArn: 'att(Role.Arn)',
    ExternalId: EXTERNAL_ID,
    TemplateVersion: TEMPLATE_VERSION,
  });
  for (const id of ['Role', 'CallbackFunctionRole', 'CallbackFunction', 'CallbackLogGroup']) {
    expect(resources[id]?.Properties.Tags).toEqual([
      { Key: 'planton:managed-by', Value: 'planton-connect' },
      { Key: 'planton:template-version', Value: TEMPLATE_VERSION },
      { Key: 'planton:setup-id', Value: CALLBACK.SetupId },
    ]);
  }
  expect(resources.Callback?.Properties.Body).toMatchObject({ templateVersion: TEMPLATE_VERSION });
});

test('uses nothing that has failed stacks before', () => {
  const made = JSON.stringify([template.Resources, template.Conditions, template.Outputs]);
  expect(made).not.toContain('Fn::FindInMap');
  expect(made).not.toContain('Fn::ImportValue');
  expect(made).not.toMatch(/arn:aws[:-]/);
  expect(JSON.stringify(template.Parameters)).not.toContain('NoEcho');
  const names = ['RoleName', 'ManagedPolicyName', 'FunctionName', 'LogGroupName'];
  for (const [id, { Type, Properties }] of Object.entries(template.Resources)) {
    const fixed = names.filter((name) => name in Properties);
    if (id === 'Role') expect(Properties.RoleName).toEqual({ Ref: 'RoleName' });
    else if (Type === 'AWS::IAM::RolePolicy') expect(Properties.RoleName).toEqual({ Ref: 'Role' });
    else expect(fixed, id).toEqual([]);
  }
});

const hasLinter = spawnSync('cfn-lint', ['--version']).status === 0;

test.skipIf(!hasLinter)(
  'is clean for cfn-lint, remarks included',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'planton-template-'));
    try {
      const file = join(folder, 'template.yaml');
      writeFileSync(file, text);
      const regions = ['us-east-1', 'us-gov-west-1', 'cn-north-1'];
      const linted = promisify(execFile)('cfn-lint', ['-t', file, '-c', 'I', '-r', ...regions]);
      await expect(linted).resolves.toMatchObject({ stdout: '' });
      writeFileSync(file, text.replace('ec2:CreateVpc\n', 'ec2:CreateVpcs\n'));
      await expect(promisify(execFile)('cfn-lint', ['-t', file])).rejects.toMatchObject({
        stdout: expect.stringContaining('createvpcs'),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  120_000,
);
