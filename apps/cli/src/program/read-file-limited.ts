import { createReadStream } from 'node:fs';
import { usage } from '../errors/cli-error.ts';

/** Reads a file that an option names, up to `limit` bytes and one more that tells that there was more. */
export async function readFileLimited(path: string, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of createReadStream(path, { end: limit })) chunks.push(chunk);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    throw usage(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : code}`);
  }
  return Buffer.concat(chunks);
}
