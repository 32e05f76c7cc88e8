import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ManifestDocument } from '../document.ts';
import { formatProblem } from '../source/problem.ts';
import { readManifests } from './read-manifests.ts';

const header = 'apiVersion: connect.planton.ai/v1\nkind: AwsProviderConnection\n';
const connection = `${header}metadata:
  name: my-aws-connection
  org: your-org
spec:
  auth_mode: inline
  account_id:
    value: "123456789012"
  region:
    value: us-west-2
  access_key_id:
    secret: aws-access-key-id
  secret_access_key:
    secret: aws-secret-access-key
`;
const spec = (fields: string) =>
  `${header}metadata: {name: a}\nspec:\n  account_id: {value: "1"}\n  region: {value: r}\n${fields}\n`;

function read(input: string | Uint8Array): ManifestDocument {
  const { documents } = readManifests(input, { file: 'aws.yaml' });
  expect(documents).toHaveLength(1);
  const [document] = documents;
  if (!document) throw new Error('no document');
  expect(document.message === undefined).toBe(document.problems.length > 0);
  return document;
}

const problemsOf = (input: string | Uint8Array) => read(input).problems.map(formatProblem);

/** The spec of a connection, or the problems as an error. */
function specOf(text: string) {
  const { message, problems } = read(text);
  if (message?.$typeName !== 'planton.connect.v1.AwsProviderConnection' || !message.spec)
    throw new Error(problems.map(formatProblem).join('\n'));
  return message.spec;
}

describe('readManifests', () => {
  test('reads the manifest of the tutorial', () => {
    const document = read(connection);
    expect(document.kind?.name).toBe('AwsProviderConnection');
    expect(document.location).toMatchObject({ line: 1, column: 1 });
    expect(document.message).toMatchObject({
      metadata: { name: 'my-aws-connection', org: 'your-org' },
      spec: {
        authMode: 1,
        accountId: { source: { case: 'value', value: '123456789012' } },
        accessKeyId: { secret: 'aws-access-key-id' },
      },
    });
  });

  test.each(['\r\n', '\n'])('line breaks %j and a byte order mark make no difference', (lineBreak) => {
    const bytes = Buffer.from(`\uFEFF${connection.replaceAll('\n', lineBreak)}`);
    expect(read(bytes).message).toEqual(read(connection).message);
  });

  test('camelCase is read as snake_case is', () => {
    expect(
      read(connection.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())).problems,
    ).toHaveLength(0);
  });

  test.each(['012345678901', 'on', '1e3', '2026-01-31', '0x10', 'true', '1_000'])('%s stays text', (text) => {
    const { accountId, region } = specOf(
      `${header}metadata: {name: a}\nspec:\n  account_id:\n    value: ${text}\n  region: ${text}`,
    );
    expect(accountId?.source.value).toBe(text);
    expect(region?.source).toEqual({ case: 'value', value: text });
  });

  test('each document of a file has its own outcome', () => {
    const { documents } = readManifests(
      `---\n${connection}---\nkind: aws\n---\n# nothing\n---\n${connection}`,
      {
        file: 'many.yaml',
      },
    );
    expect(documents.map(({ message }) => message !== undefined)).toEqual([true, false, true]);
    expect(documents.map(({ location }) => location.line)).toEqual([2, 18, 22]);
  });

  test('an alias is read as what it stands for', () => {
    const { secretAccessKey } = specOf(spec('  access_key_id: &key {secret: s}\n  secret_access_key: *key'));
    expect(secretAccessKey?.secret).toBe('s');
  });

  test('keys that reach behind objects are ordinary or refused, never followed', () => {
    const labels = '  labels: {constructor: a, toString: b, hasOwnProperty: c}';
    const { message } = read(connection.replace('metadata:', `metadata:\n${labels}`));
    expect(message?.metadata?.labels).toEqual({ constructor: 'a', toString: 'b', hasOwnProperty: 'c' });
    expect(problemsOf(connection.replace('metadata:', 'metadata:\n  labels: {__proto__: a}'))[0]).toContain(
      '`__proto__` cannot be a key of `labels`',
    );
    expect(problemsOf(`${connection}__proto__: {a: b}\n`)[0]).toContain('unknown field `__proto__`');
    expect(({} as Record<string, unknown>).a).toBeUndefined();
  });
});

describe('what is wrong is named with its place and what to do', () => {
  test('an unknown field', () => {
    expect(problemsOf(connection.replace('  auth_mode', '  auth_mod'))).toEqual([
      [
        'aws.yaml:7:3: unknown field `auth_mod`',
        '  7 |   auth_mod: …',
        '    |   ^^^^^^^^',
        '  did you mean `auth_mode`?',
      ].join('\n'),
    ]);
  });

  test.each([
    [
      'an unknown kind',
      connection.replace('AwsProvider', 'AwsProvidr'),
      'aws.yaml:2:7: unknown kind `AwsProvidrConnection`',
      'did you mean `AwsProviderConnection`?',
    ],
    [
      'a short kind',
      connection.replace('AwsProviderConnection', 'aws'),
      '2:7: unknown kind `aws`',
      '`AwsProviderConnection`',
    ],
    [
      'a foreign kind',
      connection.replace('AwsProviderConnection', 'Deployment'),
      'unknown kind',
      'the kinds are Aws',
    ],
    [
      'another apiVersion',
      connection.replace('planton.ai/v1', 'planton.ai/v2'),
      '1:13: unknown apiVersion `connect.planton.ai/v2`',
      'use `apiVersion: connect.planton.ai/v1`',
    ],
    ['no apiVersion', connection.replace(/^api.*\n/, ''), '1:1: `apiVersion` is missing', 'add `apiVersion:'],
    ['no kind', connection.replace(/kind.*\n/, ''), '`kind` is missing', 'AwsProviderConnection'],
    ['tabs', connection.replace('  name', '\tname'), '4:1: YAML cannot be indented with tabs', 'two spaces'],
    ['a key given twice', `${connection}spec: {}\n`, '16:1: `spec` is given twice', 'keep one'],
    [
      'a key in both spellings',
      spec('  accountId: {value: "1"}'),
      '`accountId` is the same field as `account_id`',
      'once',
    ],
    [
      'two sources of a value',
      spec('  external_id: {}').replace('{value: r}', '{value: r, variable: s}'),
      '`variable` cannot stand beside `value`',
      'only one',
    ],
    [
      'a list for a map',
      spec('').replace('{value: r}', '[value]'),
      '6:11: `region` takes a map, found a list',
      'value, variable',
    ],
    [
      'a map for a list',
      spec('  capabilities: {eks: true}'),
      '`capabilities` takes a list, found a map',
      '- ',
    ],
    ['a map for a word', spec('  runner: {name: a}'), '`runner` takes a single value, found a map', ''],
    [
      'an unknown enum value',
      spec('  auth_mode: inlin'),
      '`auth_mode` takes one of inline, cross_account_trust, runner',
      'did you mean `inline`?',
    ],
    [
      'an unknown list item',
      spec('  capabilities: [eks, s3]'),
      '7:23: `capabilities` takes one of eks, ecs',
      '',
    ],
    ['an empty list item', spec('  capabilities: [eks, ~]'), '`capabilities` has an empty item', ''],
    [
      'a number that is none',
      connection.replace('org:', 'revision:'),
      '5:13: `revision` takes a whole number',
      '',
    ],
    ['a time that is none', connection.replace('org:', 'create_time:'), '`create_time` takes a time', ''],
    [
      'a missing field',
      connection.replace(/ {2}region:\n.*\n/, ''),
      '7:3: `region` is missing',
      'add `region:` with value or variable',
    ],
    ['a field with nothing', connection.replace(/region:\n.*\n/, 'region: ~\n'), '`region` is missing', ''],
    [
      'neither value nor variable',
      connection.replace('value: us-west-2', '{}'),
      'one of `value` or `variable` is needed',
      '',
    ],
    ['a tag', spec('  runner: !!int 12'), '`runner` has a YAML tag', 'leave the tag out'],
    ['a merge key', spec('  <<: {runner: a}'), 'merge keys are not read', ''],
    ['an alias of nothing', spec('  access_key_id: *nothing'), 'the YAML alias stands for nothing', ''],
    ['an open quote', `${header}metadata: "a\n`, 'a closing quote or bracket is missing', ''],
    ['two keys on a line', `${header}metadata: name: a\n`, 'two keys on one line', 'quote'],
    ['an empty file', '', '1:1: the file holds no manifest', 'begin with'],
    ['only comments', '# nothing\n---\n# here\n', 'the file holds no manifest', ''],
    ['a list of manifests', `- ${connection.replaceAll('\n', '\n  ')}`, 'a manifest is a map', ''],
    [
      'a NUL byte',
      connection.replace('my-aws', 'my\u0000aws'),
      '4:11: control character U+0000',
      'text file',
    ],
    ['an unfinished character', Buffer.from([0x61, 0xff, 0xfe]), 'the file is not UTF-8 text', 'UTF-8'],
    ['UTF-16', Buffer.from(`\uFEFF${connection}`, 'utf16le'), 'the file is not UTF-8 text', 'UTF-8'],
    [
      'a large file',
      `${connection}#${'x'.repeat(10 * 1024 * 1024)}`,
      'a manifest file has at most 1 MiB',
      'right file',
    ],
    ['deep nesting', `${header}spec: ${'['.repeat(100_000)}`, 'nested too deeply', ''],
    ['deep block nesting', `${header}spec: \n${'- '.repeat(50_000)}`, 'nested too deeply', ''],
  ])('%s', (_, input, message, suggestion) => {
    const problems = problemsOf(input).join('\n');
    expect(problems).toContain(message);
    expect(problems).toContain(suggestion);
  });

  test('aliases of aliases do not grow', () => {
    const levels = Array.from({ length: 30 }, (_, i) => `  l${i}: &l${i} [${`*l${i - 1},`.repeat(9)}]`);
    const bomb = spec(`  capabilities: [${'*a,'.repeat(500)}]\n  runner: &a eks`);
    expect(problemsOf(bomb).join()).toContain('stands for nothing');
    const forward = `${header}metadata:\n  name: &a eks\nspec:\n  account_id: x\n  region: y\n  capabilities: [${'*a,'.repeat(500)}]`;
    expect(problemsOf(forward).join()).toContain('more than 100 YAML aliases');
    expect(problemsOf(`${header}metadata:\n  l: &l-1 x\n${levels.join('\n')}`).join()).toContain(
      'unknown field',
    );
  });
});

describe('a literal secret', () => {
  const secret = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

  test.each([
    ['in place of the reference', `  secret_access_key: ${secret}`, 'never the value itself'],
    ['as a value', `  secret_access_key:\n    value: ${secret}`, 'never given as a value'],
    [
      'as the slug',
      `  secret_access_key:\n    secret: ${secret}`,
      'the slug of a secret, never the value itself',
    ],
    ['as a key', `  secret_access_key:\n    ${secret}: x`, 'never given as a value'],
    ['in a flow map', `  secret_access_key: {value: "${secret}"}`, 'never given as a value'],
    ['under a mistyped field', `  secret_acces_key: ${secret}`, 'did you mean `secret_access_key`?'],
    ['behind a broken quote', `  secret_access_key: "${secret}`, 'closing quote'],
    ['as a block', `  secret_access_key: |\n    ${secret}`, 'never the value itself'],
    ['beside a fault', `  x: {auth_mode: b, secret_access_key: ${secret}}`, 'unknown field `x`'],
    ['under a key given twice', `  runner: a\n  runner: ${secret}`, '`runner` is given twice'],
    ['indented with a tab', `\tsecret_access_key: ${secret}`, 'tabs'],
  ])('%s is named and not shown', (_, fields, expected) => {
    const problems = problemsOf(spec(fields)).join('\n');
    expect(problems).toContain(expected);
    expect(problems).not.toContain(secret.slice(0, 8));
  });

  test('the way out is in the suggestion', () => {
    expect(problemsOf(spec(`  access_key_id: AKIAIOSFODNN7EXAMPLE`))[0]).toBe(
      [
        'aws.yaml:7:18: `access_key_id` takes a reference to a secret, never the value itself',
        '  7 |   access_key_id: …',
        '    |                  ^',
        '  use `secret: SLUG`; store the value with: planton secret set SLUG --stdin value',
      ].join('\n'),
    );
  });

  test('is shown by no problem, wherever a broken file has it', () => {
    const canary = 'AKIAIOSFODNN7CANARY0';
    const piece = fc.constantFrom(
      canary,
      canary,
      'spec',
      'kind: ',
      'auth_mode: ',
      'runner: ',
      'secret',
      'value',
      'access_key_id',
      ':',
      ': ',
      '\n',
      '\n  ',
      '\n    ',
      '- ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '|',
      '&a ',
      '*a',
      '!!x ',
      '\t',
      '#',
      '---\n',
      '?',
      ' ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const { documents } = readManifests(`${spec('')}  ${pieces.join('')}`, { file: 'x.yaml' });
        for (const { problems } of documents)
          expect(problems.map(formatProblem).join('\n')).not.toContain(canary);
      }),
      { numRuns: 500 },
    );
  });
});

test('no text makes the reader throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array()), (input) => {
      expect(readManifests(input, { file: 'x.yaml' }).documents.length).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
