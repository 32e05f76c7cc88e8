import { keyIdOf, parsePublicKey } from '@planton/audit';
import { usage } from '../errors/cli-error.ts';
import { readFileLimited } from '../program/read-file-limited.ts';

const LARGEST_FILE = 64 * 1024;

/** Key ids of the public keys in a file, one a line; undefined without a file, when any key will do. */
export async function readKeyIds(path: string | undefined): Promise<ReadonlySet<string> | undefined> {
  if (path === undefined) return undefined;
  const lines = (await readFileLimited(path, LARGEST_FILE))
    .toString()
    .split('\n')
    .filter((line) => line.trim() !== '');
  const ids = lines.map((line) => {
    const key = parsePublicKey(line);
    if (!key)
      throw usage(
        `${path} holds what is no public key`,
        'write one a line, as planton audit verify prints them: ed25519:…',
      );
    return keyIdOf(key);
  });
  if (ids.length === 0) throw usage(`${path} holds no public key`);
  return new Set(ids);
}
