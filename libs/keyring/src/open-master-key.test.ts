import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { checkFingerprint } from './check-fingerprint.ts';
import { KeyringError, type KeyringErrorReason } from './keyring-error.ts';
import { openMasterKey } from './open-master-key.ts';
import { parseMasterKeySource } from './parse-master-key-source.ts';

const KEY_TEXT = Buffer.alloc(32, 7).toString('base64');

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'planton-keyring-'));
  path = join(dir, 'master.key');
  onTestFinished(() => rm(dir, { recursive: true, force: true }));
});

const openFile = (createIfMissing = false, at = path) =>
  openMasterKey({ kind: 'file', path: at }, { createIfMissing });

async function failure(promise: Promise<unknown>, reason: KeyringErrorReason): Promise<string> {
  const error = await promise.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(KeyringError);
  expect(error).toMatchObject({ reason });
  expect((error as KeyringError).cause).toBeUndefined();
  return (error as KeyringError).message;
}

describe('from a file', () => {
  test('a missing key is made only when asked, mode 0600, and stays the same key', async () => {
    expect(await failure(openFile(), 'master_key_missing')).toContain('openssl rand -base64 32');
    expect(await readdir(dir)).toEqual([]);
    const made = await openFile(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(dir)).toEqual(['master.key']);
    expect((await openFile()).fingerprint).toBe(made.fingerprint);
    expect((await openFile(true)).fingerprint).toBe(made.fingerprint);
  });

  test('servers that start at once agree on one key', async () => {
    const keys = await Promise.all(Array.from({ length: 8 }, () => openFile(true)));
    expect(new Set(keys.map((key) => key.fingerprint)).size).toBe(1);
    expect(await readdir(dir)).toEqual(['master.key']);
  });

  test('two keys have different fingerprints, which do not hold the key', async () => {
    const one = await openFile(true);
    const two = await openFile(true, join(dir, 'two.key'));
    expect(one.fingerprint).not.toBe(two.fingerprint);
    expect(one.fingerprint).toMatch(/^[0-9a-f]{32}$/);
    const hex = Buffer.from(await readFile(path, 'utf8'), 'base64').toString('hex');
    expect(hex).not.toContain(one.fingerprint);
  });

  test.each([0o640, 0o604, 0o620, 0o602, 0o601, 0o666, 0o777])('mode %o is refused', async (mode) => {
    await writeFile(path, KEY_TEXT);
    await chmod(path, mode);
    expect(await failure(openFile(true), 'master_key_permissions')).toContain(`chmod 600 ${path}`);
  });

  test.each([0o600, 0o400])('mode %o is accepted', async (mode) => {
    await writeFile(path, KEY_TEXT);
    await chmod(path, mode);
    await expect(openFile()).resolves.toHaveProperty('fingerprint');
  });

  test('the mode that counts is that of the file behind a link', async () => {
    const target = join(dir, 'target');
    await writeFile(target, KEY_TEXT, { mode: 0o644 });
    await symlink(target, path);
    await failure(openFile(), 'master_key_permissions');
    await chmod(target, 0o600);
    await expect(openFile()).resolves.toHaveProperty('fingerprint');
  });

  test('a directory or a pipe is not a key, and does not hang', async () => {
    await mkdir(path, { mode: 0o700 });
    await failure(openFile(), 'master_key_malformed');
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    await failure(openFile(false, pipe), 'master_key_malformed');
  });

  test('a directory that is not there cannot be written to', async () => {
    await failure(openFile(true, join(dir, 'missing', 'master.key')), 'master_key_permissions');
  });

  test.each([
    ['nothing', ''],
    ['too short', Buffer.alloc(31, 7).toString('base64')],
    ['too long', Buffer.alloc(33, 7).toString('base64')],
    ['hexadecimal', Buffer.alloc(32, 7).toString('hex')],
    ['raw bytes', Buffer.alloc(32, 7).toString('latin1')],
    ['base64url', Buffer.alloc(32, 0xff).toString('base64url')],
    ['a letter that is not base64', `!${KEY_TEXT}`],
    ['no padding', KEY_TEXT.replace('=', '')],
    ['bits that would be ignored', KEY_TEXT.replace(/.=$/, 'd=')],
    ['a second line', `${KEY_TEXT}\n${KEY_TEXT}\n`],
    ['a huge text', KEY_TEXT.repeat(10_000)],
  ])('%s is malformed, and is not repeated', async (_, text) => {
    await writeFile(path, text, { mode: 0o600 });
    const message = await failure(openFile(true), 'master_key_malformed');
    if (text !== '') expect(message).not.toContain(text.slice(0, 20));
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  test.each(['', '\n', '\r\n'])('a line may end with %j', async (end) => {
    await writeFile(path, KEY_TEXT + end, { mode: 0o600 });
    await expect(openFile()).resolves.toHaveProperty('fingerprint');
  });
});

describe('from the environment', () => {
  const openVariable = (value: string | undefined, createIfMissing = false) =>
    openMasterKey({ kind: 'env', name: 'MASTER' }, { createIfMissing, env: { MASTER: value } });

  test('gives the same key as a file of the same text', async () => {
    await writeFile(path, `${KEY_TEXT}\n`, { mode: 0o600 });
    expect((await openVariable(KEY_TEXT)).fingerprint).toBe((await openFile()).fingerprint);
  });

  test('is never made up', async () => {
    for (const value of [undefined, '']) {
      expect(await failure(openVariable(value, true), 'master_key_missing')).toContain('MASTER');
    }
  });

  test('a malformed value is not repeated', async () => {
    const message = await failure(openVariable('hunter2-hunter2'), 'master_key_malformed');
    expect(message).toContain('MASTER');
    expect(message).not.toContain('hunter2');
  });
});

describe('parseMasterKeySource', () => {
  test('reads file: and env:', () => {
    expect(parseMasterKeySource('file:/etc/a b:c.key')).toEqual({ kind: 'file', path: '/etc/a b:c.key' });
    expect(parseMasterKeySource('env:PLANTON_KEY')).toEqual({ kind: 'env', name: 'PLANTON_KEY' });
  });

  test.each([
    '',
    'file:',
    'env:',
    'env:A-B',
    'env:1A',
    'FILE:/x',
    'file:/a\0b',
    'kms:x',
    KEY_TEXT,
    `env:${KEY_TEXT}`,
  ])('refuses %j without repeating it', async (text) => {
    const message = await failure(
      Promise.try(() => parseMasterKeySource(text)),
      'master_key_malformed',
    );
    expect(message).not.toContain(KEY_TEXT);
  });
});

test('checkFingerprint accepts the same and refuses every other', () => {
  checkFingerprint('abc', 'abc');
  for (const other of ['', 'ab', 'abd', 'ABC', 'abcd']) {
    expect(() => checkFingerprint('abc', other)).toThrow(
      expect.objectContaining({ reason: 'wrong_master_key' }),
    );
  }
});
