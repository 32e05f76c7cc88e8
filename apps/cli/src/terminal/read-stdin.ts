import { CliError } from '../errors/cli-error.ts';
import { type Surroundings, say } from './terminal.ts';

/** Reads standard input to its end, up to `limit` bytes and one more that tells that there was more. */
export async function readStdin(cli: Surroundings, limit: number): Promise<Buffer> {
  if (cli.interactive) say(cli, 'reading from the terminal; end with Ctrl-D');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of cli.stdin) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    chunks.push(bytes);
    size += bytes.length;
    if (size > limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit + 1);
}

/** Decodes bytes as UTF-8; `what` names them in the error. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new CliError(`${what} is not UTF-8 text`, {
      exitCode: 2,
      hint: 'encode binary values first, for example with base64',
    });
  }
}
