import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makeCredentials } from '../testing/make-credentials.ts';
import { createTestAuthority } from '../testing/test-authority.ts';
import type { RunnerCredentials } from './credentials.ts';
import {
  checkWritable,
  credentialsFile,
  findCredentials,
  readCredentials,
  writeCredentials,
} from './credentials-file.ts';

let home: string;
let credentials: RunnerCredentials;
beforeAll(async () => {
  credentials = await makeCredentials(await createTestAuthority());
});
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'planton-credentials-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

describe('writing', () => {
  test('is read back, and is the owner’s alone with every folder that it made', async () => {
    const file = credentialsFile(home, 'acme', 'runner-1');
    await writeCredentials(file, credentials);
    expect(await readCredentials(file)).toEqual(credentials);
    expect(modeOf(file)).toBe(0o600);
    expect(modeOf(dirname(file))).toBe(0o700);
    expect(modeOf(join(home, 'org'))).toBe(0o700);
    expect(readdirSync(dirname(file))).toEqual(['credentials.json']);
  });

  test('replaces whole: a reader sees one or another generation, never a part', async () => {
    const file = credentialsFile(home, 'acme', 'runner-1');
    await writeCredentials(file, credentials);
    const seen = new Set<number>();
    let writing = true;
    const write = async () => {
      for (let generation = 2; generation <= 40; generation++)
        await writeCredentials(file, { ...credentials, generation });
      writing = false;
    };
    const read = async () => {
      while (writing) seen.add((await readCredentials(file)).generation);
    };
    await Promise.all([write(), read()]);
    expect(Math.max(...seen)).toBeLessThanOrEqual(40);
    expect((await readCredentials(file)).generation).toBe(40);
    expect(readdirSync(dirname(file))).toEqual(['credentials.json']);
  });

  test('that fails says where and leaves nothing behind', async () => {
    const file = join(home, 'taken', 'credentials.json');
    writeFileSync(join(home, 'taken'), '');
    await expect(writeCredentials(file, credentials)).rejects.toMatchObject({
      kind: 'file',
      reason: 'CREDENTIALS_UNWRITABLE',
      message: expect.stringContaining(file),
    });
    await expect(checkWritable(file)).rejects.toMatchObject({ reason: 'CREDENTIALS_UNWRITABLE' });
    const folder = join(home, 'folder.json');
    mkdirSync(join(folder, 'inner'), { recursive: true });
    await expect(writeCredentials(folder, credentials)).rejects.toMatchObject({
      reason: 'CREDENTIALS_UNWRITABLE',
    });
    expect(readdirSync(home).sort()).toEqual(['folder.json', 'taken']);
  });

  test('can be tried before a token is spent', async () => {
    const file = credentialsFile(home, 'acme', 'runner-1');
    await checkWritable(file);
    expect(readdirSync(dirname(file))).toEqual([]);
  });
});

describe('reading', () => {
  test.each([0o640, 0o604, 0o644, 0o660, 0o601])('refuses mode %o and says how to mend it', async (mode) => {
    const file = join(home, 'credentials.json');
    await writeCredentials(file, credentials);
    chmodSync(file, mode);
    await expect(readCredentials(file)).rejects.toMatchObject({
      reason: 'CREDENTIALS_EXPOSED',
      hint: `chmod 600 ${file}`,
    });
    chmodSync(file, 0o400);
    expect(await readCredentials(file)).toEqual(credentials);
  });

  test('tells a missing file from a damaged one, a folder and a huge one', async () => {
    const file = join(home, 'credentials.json');
    await expect(readCredentials(file)).rejects.toMatchObject({ reason: 'CREDENTIALS_MISSING' });
    writeFileSync(file, '{"privateKey": "canary', { mode: 0o600 });
    const damaged = await readCredentials(file).catch((error: unknown) => error);
    expect(damaged).toMatchObject({ reason: 'CREDENTIALS_DAMAGED' });
    expect(`${damaged} ${(damaged as Error).stack}`).not.toContain('canary');
    writeFileSync(file, `"${'x'.repeat(300_000)}"`);
    await expect(readCredentials(file)).rejects.toMatchObject({ reason: 'CREDENTIALS_DAMAGED' });
    mkdirSync(join(home, 'folder'), { mode: 0o700 });
    await expect(readCredentials(join(home, 'folder'))).rejects.toMatchObject({
      reason: 'CREDENTIALS_UNREADABLE',
    });
  });
});

describe('finding', () => {
  test('lists files of the pattern alone, sorted', async () => {
    for (const [org, runner] of [
      ['b', 'x'],
      ['a', 'y'],
      ['a', 'x'],
    ] as const)
      await writeCredentials(credentialsFile(home, org, runner), credentials);
    mkdirSync(join(home, 'org', 'a', 'runner', 'empty'));
    mkdirSync(join(home, 'org', 'Not A Slug', 'runner', 'x'), { recursive: true });
    writeFileSync(join(home, 'org', 'Not A Slug', 'runner', 'x', 'credentials.json'), '');
    writeFileSync(join(home, 'org', 'c'), '');
    expect(await findCredentials(home)).toEqual([
      { org: 'a', runner: 'x', file: credentialsFile(home, 'a', 'x') },
      { org: 'a', runner: 'y', file: credentialsFile(home, 'a', 'y') },
      { org: 'b', runner: 'x', file: credentialsFile(home, 'b', 'x') },
    ]);
    expect(await findCredentials(join(home, 'nowhere'))).toEqual([]);
  });

  test.each(['..', '', 'a/b', 'A', 'a_b'])('no path is made of %j', (slug) => {
    expect(() => credentialsFile(home, slug, 'runner')).toThrow('slug');
    expect(() => credentialsFile(home, 'acme', slug)).toThrow('slug');
  });

  test('the file says what it holds by its path', () => {
    expect(credentialsFile('/home/me/.planton', 'acme', 'my-aws-runner')).toBe(
      '/home/me/.planton/org/acme/runner/my-aws-runner/credentials.json',
    );
  });
});

test('the private key is in the file and nowhere else in the folder', async () => {
  const file = credentialsFile(home, 'acme', 'runner-1');
  await writeCredentials(file, credentials);
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({
    format: 1,
    privateKey: credentials.privateKey,
  });
});
