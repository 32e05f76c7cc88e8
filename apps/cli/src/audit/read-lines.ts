import { createReadStream } from 'node:fs';
import { usage } from '../errors/cli-error.ts';

/** Longer lines no export has. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** The lines of a file, one after the other. Of a line that is too long only the beginning, which no reader takes for a whole one. */
export async function* readLines(path: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path)) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        yield rest.subarray(0, end).toString();
        rest = rest.subarray(end + 1);
      }
      if (rest.length > LONGEST_LINE) {
        yield rest.subarray(0, 100).toString();
        return;
      }
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === '') throw error;
    throw usage(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : code}`);
  }
  if (rest.length > 0) yield rest.toString();
}
