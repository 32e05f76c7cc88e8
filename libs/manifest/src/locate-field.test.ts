import { describe, expect, test } from 'vitest';
import { locateField, problemOfField } from './locate-field.ts';
import { readManifests } from './read/read-manifests.ts';
import { formatProblem } from './source/problem.ts';
import { validateManifest } from './validate-manifest.ts';

const text = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata:
  name: a
  labels:
    a.b: c
spec:
  accountId:
    value: "12345678901"
  region: {value: us-west-2}
  access_key_id:
    secret: key-id
  capabilities:
    - eks
    - eks
`;

function documentOf(yaml: string) {
  const [document] = readManifests(yaml, { file: 'a.yaml' }).documents;
  if (!document) throw new Error('no document');
  return document;
}

describe('locateField', () => {
  test.each([
    ['spec.account_id.value', 9, 12],
    ['spec.accountId.value', 9, 12],
    ['connection.aws.spec.account_id.value', 9, 12],
    ['spec.region.value', 10, 19],
    ['spec.capabilities[1]', 15, 7],
    ['metadata.labels["a.b"]', 6, 10],
    ['spec.access_key_id.secret', 12, 5],
    ['spec.secret_access_key', 7, 1],
    ['spec.capabilities[7]', 13, 3],
    ['nothing.like.it', 1, 1],
    ['', 1, 1],
    ['metadata.labels["__proto__"]', 5, 3],
  ])('%s', (path, line, column) => {
    expect(locateField(documentOf(text), path)).toEqual({ file: 'a.yaml', line, column });
  });

  test('a violation is shown at its place', () => {
    expect(
      formatProblem(problemOfField(documentOf(text), 'spec.account_id.value', 'has 11 digits, needs 12')),
    ).toBe(
      [
        'a.yaml:9:12: has 11 digits, needs 12',
        '  9 |     value: "12345678901"',
        '    |            ^^^^^^^^^^^^^',
      ].join('\n'),
    );
  });
});

describe('validateManifest', () => {
  test('names what breaks the contract, each at its place', async () => {
    const problems = await validateManifest(documentOf(text.replace('key-id', `s${'x'.repeat(63)}`)));
    const formatted = problems.map(formatProblem).join('\n');
    expect(formatted).toContain('a.yaml:13:3: `spec.capabilities`: ');
    expect(formatted).toContain('a.yaml:12:5: `spec.access_key_id.secret`: ');
    expect(formatted).toContain(
      'a.yaml:7:1: `spec`: auth_mode inline needs access_key_id and secret_access_key',
    );
    expect(formatted).not.toContain('xxx');
  });

  test('has nothing to say about what is right', async () => {
    const right = text
      .replace('    - eks\n', '')
      .replace('  capabilities', '  secret_access_key: {secret: s}\n  capabilities');
    expect(await validateManifest(documentOf(right))).toEqual([]);
  });
});
