import { usage } from '../errors/cli-error.ts';
import { readFileLimited } from '../program/read-file-limited.ts';
import { readHidden } from '../terminal/read-hidden.ts';
import { decodeUtf8 } from '../terminal/read-stdin.ts';
import type { Surroundings } from '../terminal/terminal.ts';

/** Where the entries of a secret come from, as they were typed. */
export interface EntrySources {
  /** `key=value`. */
  readonly pairs: readonly string[];
  /** `key=PATH`. */
  readonly fromFile: readonly string[];
  /** Key of the entry that standard input holds. */
  readonly stdin?: string | undefined;
  /** Keys of the entries to make up. */
  readonly generate: readonly string[];
}

const longestValue = 65_536;

/**
 * Reads the entries of a secret. A file is taken as it is; of standard input one line break at its end is dropped, because
 * `echo` adds one. `randomBytes` makes up 32 bytes for what is generated. No error repeats what may be a value.
 */
export async function readEntries(
  cli: Surroundings,
  { pairs, fromFile, stdin, generate }: EntrySources,
  randomBytes: (size: number) => Buffer,
): Promise<Record<string, string>> {
  const entries = new Map<string, string>();
  const add = (key: string, value: string) => {
    if (entries.has(key)) throw usage(`the key ${key} is given twice`, 'give each key once');
    if (Buffer.byteLength(value) > longestValue) throw usage(`the value of ${key} is larger than 64 KiB`);
    entries.set(key, value);
  };

  for (const pair of pairs)
    add(...split(pair, 'an entry is written key=value', 'for a single value: value=…'));
  for (const pair of fromFile) {
    const [key, path] = split(
      pair,
      '--from-file takes key=PATH',
      'for example --from-file private-key=./key.pem',
    );
    add(key, decodeUtf8(await readFileLimited(path, longestValue), path));
  }
  if (stdin !== undefined) {
    const text = decodeUtf8(await readHidden(cli, longestValue + 2), 'standard input');
    add(keyOf(stdin, '--stdin takes a key'), text.replace(/\r?\n$/, ''));
  }
  for (const key of generate)
    add(keyOf(key, '--generate takes a key'), randomBytes(32).toString('base64url'));

  if (entries.size === 0)
    throw usage('nothing to set', 'for a single value: planton secret set SLUG value=…');
  return Object.fromEntries(entries);
}

function split(pair: string, problem: string, hint: string): [key: string, rest: string] {
  const at = pair.indexOf('=');
  if (at < 1) throw usage(problem, hint);
  return [keyOf(pair.slice(0, at), problem), pair.slice(at + 1)];
}

/** `__proto__` would not become a key of the message's plain object. */
function keyOf(key: string, problem: string): string {
  if (!/^[A-Za-z0-9_.-]{1,128}$/.test(key) || key === '__proto__')
    throw usage(problem, 'a key is letters, digits, _, . and -, at most 128');
  return key;
}
