import { existsSync } from 'node:fs';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { importProgram } from './import-program.ts';

/** Where the server's program is: beside the bundle, or in the checkout. */
const places = ['./planton-server.mjs', '../../../server/src/main.ts'];

/**
 * Hands over to the server's program in this process, so that whoever ends this process ends the server. It is found at run
 * time and never part of the CLI's bundle, which stays small.
 */
export async function runServer(
  args: readonly string[],
  candidates: readonly URL[] = places.map((place) => new URL(place, import.meta.url)),
): Promise<number> {
  const url = candidates.find((candidate) => existsSync(candidate));
  if (!url)
    throw new CliError('the server is not installed with this CLI', {
      exitCode: exitCodes.failed,
      hint: 'put planton-server.mjs beside it, or run it from a checkout',
    });
  const program = await importProgram(url.href);
  if (typeof program.main !== 'function')
    throw new CliError(`${url.pathname} is no server program`, { exitCode: exitCodes.failed });
  // The server drains when it is interrupted; the CLI's own answer would end it at once.
  process.removeAllListeners('SIGINT');
  const code: unknown = await program.main([...args]);
  return typeof code === 'number' ? code : exitCodes.done;
}
