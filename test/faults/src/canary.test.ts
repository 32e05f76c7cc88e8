import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createPlanton, type Planton } from '@planton/client';
import { type CliResult, type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { awsManifest } from './manifest.ts';

// Unique values go through everything that takes a secret, at the most talkative log level; then every byte that the
// platform wrote is searched for them.

const canary = (length = 40) => `Canary${randomBytes(length).toString('hex')}`.slice(0, length);
const values = {
  first: canary(),
  second: canary(),
  fromFile: canary(),
  fromStdin: canary(),
  environment: canary(),
  merged: canary(),
  deleted: canary(),
  destroyed: canary(),
  malformed: canary(25),
  literal: canary(),
  oversized: canary().padEnd(70_000, 'x'),
};

let platform: Platform;
let planton: Planton;
let transcript = '';

/** Runs a command whose answer must not contain a value, whatever it is. */
const run = async (args: string[], input?: string): Promise<CliResult> => {
  const result = await platform.cli(args, input === undefined ? {} : { input });
  transcript += `${result.stdout}${result.stderr}`;
  return result;
};
const attempt = async (call: Promise<unknown>) => {
  const outcome = await call.catch((error: unknown) => error);
  transcript += outcome instanceof Error ? `${outcome.message}${JSON.stringify(outcome)}` : '';
};

beforeAll(async () => {
  platform = await startPlatform({ logLevel: 'debug' });
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  await platform.planton('env', 'create', 'production');
  planton = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
}, 90_000);
afterAll(() => platform?.stop());

test('values go through every command, RPC and error', async () => {
  const file = join(platform.home, 'value.txt');
  writeFileSync(file, values.fromFile);
  await run(['secret', 'set', 'key', `value=${values.first}`]);
  await run(['secret', 'set', 'key', `value=${values.second}`]);
  await run(['secret', 'set', 'key', `extra=${values.merged}`, '--merge']);
  await run(['secret', 'set', 'file', '--from-file', `value=${file}`]);
  await run(['secret', 'set', 'stdin', '--stdin', 'value'], values.fromStdin);
  await run(['secret', 'set', 'scoped', `value=${values.environment}`, '--env', 'production']);
  await run(['secret', 'set', 'Not-A-Slug', `value=${values.first}`]);
  await run(['secret', 'set', 'big', '--stdin', 'value'], values.oversized);
  await run(['secret', 'set', 'scoped', `value=${values.first}`, '--env', 'nowhere']);
  await run(['secret', 'rollback', 'key', '--version', '1']);
  await run(['secret', 'rollback', 'key', '--version', '99']);
  await run(['secret', 'versions', 'key', '-o', 'json']);
  await run(['secret', 'get', 'key', '-o', 'yaml']);
  await run(['secret', 'list', '-o', 'json']);

  await run(['secret', 'set', 'gone', `value=${values.deleted}`]);
  await run(['secret', 'delete', 'gone']);
  await run(['secret', 'set', 'worn', `value=${values.destroyed}`]);
  await run(['secret', 'set', 'worn', 'value=another']);
  const org = { org: 'acme' };
  await planton.config.destroySecretVersion({ ...org, slug: 'worn', version: 1 });
  await planton.config.rotateOrganizationKey(org);

  await run(['secret', 'set', 'key-id', `value=${values.malformed}`]);
  await run(['apply', '-f', '-'], awsManifest('malformed'));
  await run(['connection', 'credentials', '--connection', 'malformed', '-o', 'json']);
  await run(['connection', 'exec', '--connection', 'malformed', '--', 'env']);
  const refused = await run(
    ['apply', '-f', '-'],
    awsManifest('literal', { secret_access_key: values.literal }),
  );
  expect(refused.code).toBe(2);
  await run(
    ['validate', '-f', '-'],
    awsManifest('literal', { secret_access_key: `{ value: ${values.literal} }` }),
  );
  await run(['diff', '-f', '-'], awsManifest('malformed'));
  await run(['get', 'aws', 'malformed', '-o', 'json']);
  await run(['audit', 'list', '-o', 'json']);

  await attempt(planton.config.setSecret({ ...org, slug: '!', entries: { value: values.first } }));
  await attempt(planton.config.setSecret({ org: 'nobody', slug: 'x', entries: { value: values.first } }));
  await attempt(
    planton.config.setSecret({
      ...org,
      slug: 'x',
      entries: { [values.first]: 'y', 'bad key': values.second },
    }),
  );
  await attempt(planton.config.accessSecret({ ...org, slug: 'gone' }));
  await attempt(planton.config.accessSecret({ ...org, slug: 'worn', version: 1 }));
  await attempt(createPlanton({ server: platform.url, apiKey: values.first }).identity.whoAmI({}));
  await attempt(planton.identity.exchangeToken({ apiKey: values.second }));
}, 120_000);

test('the calls that are meant to return a value do', async () => {
  const { entries } = await planton.config.accessSecret({ org: 'acme', slug: 'stdin', purpose: 'test' });
  expect(entries).toEqual({ value: values.fromStdin });
  const revealed = await platform.cli(['secret', 'get', 'file', '--key', 'value', '--reveal']);
  expect(revealed.stdout.trim()).toBe(values.fromFile);
});

/** The usual ways in which a text is written down. */
function encodings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  const base64 = [0, 1, 2].map((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    return shifted.slice(4, -4);
  });
  const texts = [text, ...base64, bytes.toString('hex'), bytes.toString('hex').toUpperCase()];
  return [...texts.map((each) => Buffer.from(each)), Buffer.from(text, 'utf16le')];
}

const needles = () => [...Object.values(values).map((value) => value.slice(0, 40)), platform.ownerKey()];

function findLeaks(haystack: Buffer, where: string): string[] {
  return needles().flatMap((needle) =>
    encodings(needle).some((encoded) => haystack.includes(encoded))
      ? [`${needle.slice(0, 12)}… in ${where}`]
      : [],
  );
}

test('no command, error or log line holds a value', () => {
  expect(platform.log().length).toBeGreaterThan(1000);
  expect(transcript.length).toBeGreaterThan(1000);
  expect(findLeaks(Buffer.from(transcript), 'the output of a command')).toEqual([]);
  expect(findLeaks(Buffer.from(platform.log()), 'the log')).toEqual([]);
});

test('no file of the server holds a value', async () => {
  const bootstrap = 'bootstrap-api-key';
  const ownerKey = platform.ownerKey();
  await platform.end('SIGTERM');
  const files = readdirSync(platform.dataDir, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && entry.name !== bootstrap,
  );
  expect(files.length).toBeGreaterThan(100);
  const leaks = files.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    return findLeaks(readFileSync(path), path.slice(platform.dataDir.length));
  });
  expect(ownerKey).not.toBe('');
  expect(leaks).toEqual([]);
});

test('the search finds what is there', () => {
  const value = values.first;
  for (const encoded of encodings(value)) {
    expect(findLeaks(Buffer.concat([Buffer.from('x\0'), encoded, Buffer.from('y')]), 'here')).toHaveLength(1);
  }
  const embedded = Buffer.from(`{"a":"${value}"}`).toString('base64');
  expect(findLeaks(Buffer.from(embedded), 'base64')).toHaveLength(1);
});
