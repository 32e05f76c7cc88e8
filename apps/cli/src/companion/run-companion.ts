import { existsSync } from 'node:fs';
import { CliError, exitCodes } from '../errors/cli-error.ts';
import { importProgram } from './import-program.ts';

/** A program of the platform that the CLI starts in its own process. */
export type Companion = 'server' | 'runner';

/**
 * Hands over to another program of the platform in this process, so that whoever ends this process ends that program. It is found at
 * run time, beside the bundle or in the checkout, and never part of the CLI's bundle, which stays small. Answers its exit code.
 */
export async function runCompanion(
  name: Companion,
  args: readonly string[],
  candidates: readonly URL[] = placesOf(name),
): Promise<number> {
  const url = candidates.find((candidate) => existsSync(candidate));
  if (!url)
    throw new CliError(`the ${name} is not installed with this CLI`, {
      exitCode: exitCodes.failed,
      hint: `put planton-${name}.mjs beside it, or run it from a checkout`,
    });
  const program = await importProgram(url.href);
  if (typeof program.main !== 'function')
    throw new CliError(`${url.pathname} is no ${name} program`, { exitCode: exitCodes.failed });
  // The program drains when it is interrupted; the CLI's own answer would end it at once.
  process.removeAllListeners('SIGINT');
  const code: unknown = await program.main([...args]);
  return typeof code === 'number' ? code : exitCodes.done;
}

function placesOf(name: Companion): URL[] {
  const places = [`./planton-${name}.mjs`, `../../../${name}/src/main.ts`];
  return places.map((place) => new URL(place, import.meta.url));
}
