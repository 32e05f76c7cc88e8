import { constants } from 'node:fs';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hashKey } from '../api-keys/mint-key.ts';
import { KeyFileRefused } from '../bootstrap/keep-key-file.ts';

export const OWNER_PATH = '/auth/owner';

/** Milliseconds that a link is good for. */
const LIFETIME_MS = 24 * 3600_000;
const LONGEST_FILE = 4096;

/** A link says itself when it ends, in seconds since the epoch; nobody can write another end beside the 256 random bits. */
const TOKEN = /^(\d{10,12})\.([A-Za-z0-9_-]{43})$/;

export interface OwnerLink {
  readonly url: string;
  readonly hash: Buffer;
  readonly expireTime: Date;
}

/** The file of the data dir that holds the link until it is used. */
export function ownerLinkFile(dataDir: string): string {
  return join(dataDir, 'owner-setup-link');
}

export function makeOwnerLink(settings: {
  readonly publicUrl: string;
  readonly now: number;
  readonly randomBytes: (size: number) => Buffer;
}): OwnerLink {
  const expireTime = new Date(Math.floor((settings.now + LIFETIME_MS) / 1000) * 1000);
  const token = `${expireTime.getTime() / 1000}.${settings.randomBytes(32).toString('base64url')}`;
  return { url: `${settings.publicUrl}${OWNER_PATH}?token=${token}`, hash: hashKey(token), expireTime };
}

/** What a token is looked up by, and its end; undefined for what is no token. */
export function readOwnerToken(
  token: string,
): { readonly hash: Buffer; readonly expireTime: Date } | undefined {
  const seconds = TOKEN.exec(token)?.[1];
  return seconds === undefined
    ? undefined
    : { hash: hashKey(token), expireTime: new Date(Number(seconds) * 1000) };
}

/**
 * Writes a link to its file, of mode 0600.
 *
 * @param replace whether a link that is there goes; else the file stays as it is
 * @throws KeyFileRefused
 */
export async function writeOwnerLink(
  path: string,
  { url }: OwnerLink,
  newUid: () => string,
  replace: boolean,
): Promise<void> {
  const fresh = `${path}.${newUid()}`;
  try {
    const file = await open(fresh, 'wx', 0o600);
    try {
      await file.writeFile(`${url}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    if (replace) await rename(fresh, path);
    else await link(fresh, path).catch(ignoreExisting);
  } catch (error) {
    throw new KeyFileRefused(`${path} cannot be written (${codeOf(error)})`, { cause: error });
  } finally {
    await rm(fresh, { force: true });
  }
}

/** The hash of the token that is in the file, where nobody else can have written or read it; else undefined. */
export async function readLinkFile(path: string): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path);
    if (size > LONGEST_FILE) return undefined;
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const { mode } = await file.stat();
      if ((mode & constants.S_IFMT) !== constants.S_IFREG || (mode & 0o077) !== 0) return undefined;
      const token = URL.parse((await file.readFile('utf8')).trim())?.searchParams.get('token') ?? '';
      return readOwnerToken(token)?.hash;
    } finally {
      await file.close();
    }
  } catch {
    return undefined;
  }
}

function ignoreExisting(error: unknown): void {
  if (codeOf(error) !== 'EEXIST') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : 'unknown error';
}
