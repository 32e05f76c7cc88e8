import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';
import { createSigningKey, SEED_BYTES, type SigningKey } from '@planton/audit';

/** The key that signs seals cannot be used: the message says why and what to do. Never repeats what a source holds. */
export class SigningKeyRefused extends Error {
  override readonly name = 'SigningKeyRefused';
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

export interface OpenSigningKeyOptions {
  /** Makes the file where it is missing: for the embedded database, whose data folder is the key's own. */
  readonly createIfMissing: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly random?: (size: number) => Buffer;
}

const makeHint = `make one with: (umask 077; openssl rand -base64 ${SEED_BYTES} > audit-signing.key)`;

/**
 * Reads a seed of 32 bytes in base64 from `file:PATH` or `env:NAME`. Undefined where the file does not exist and is not to be made.
 *
 * @throws SigningKeyRefused
 */
export async function openSigningKey(
  source: string,
  { createIfMissing, env, random = randomBytes }: OpenSigningKeyOptions,
): Promise<SigningKey | undefined> {
  const [, kind, name] = /^(file|env):([^\0\r\n]{1,4096})$/.exec(source) ?? [];
  if (kind === undefined || name === undefined) {
    throw new SigningKeyRefused(
      'the source of the audit key is neither file:PATH nor env:NAME',
      'for example --audit-key-source file:/etc/planton/audit-signing.key',
    );
  }
  if (kind === 'env') return decode(env[name] ?? '', `the environment variable ${name}`);
  const text = (await read(name)) ?? (createIfMissing ? await make(name, random) : undefined);
  return text === undefined ? undefined : decode(text, `the audit key file ${name}`);
}

async function read(path: string): Promise<string | undefined> {
  const file = await open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new SigningKeyRefused(`the audit key file ${path} cannot be read (${error.code})`, makeHint);
  });
  if (!file) return undefined;
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new SigningKeyRefused(`the audit key file ${path} is open to others`, `chmod 600 ${path}`);
    }
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.subarray(0, bytesRead).toString();
  } finally {
    await file.close();
  }
}

/** Another process that makes it at the same time wins or loses as a whole: what counts is what the file holds then. */
async function make(path: string, random: (size: number) => Buffer): Promise<string | undefined> {
  const seed = random(SEED_BYTES);
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${seed.toString('base64')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EEXIST')
      throw new SigningKeyRefused(`the audit key file ${path} cannot be made (${code})`, makeHint);
  } finally {
    seed.fill(0);
  }
  return read(path);
}

/** Strict, because Node skips what is not base64: a damaged text would silently become another key. */
function decode(text: string, place: string): SigningKey {
  const encoded = text.trim();
  const seed = Buffer.from(encoded, 'base64');
  try {
    if (seed.length !== SEED_BYTES || seed.toString('base64') !== encoded) {
      throw new SigningKeyRefused(`${place} does not hold ${SEED_BYTES} bytes in base64`, makeHint);
    }
    return createSigningKey(seed);
  } finally {
    seed.fill(0);
  }
}
