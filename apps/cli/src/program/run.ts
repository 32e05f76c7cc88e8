import type { CommanderError } from 'commander';
import { AlreadyTold, exitCodes } from '../errors/cli-error.ts';
import { print, type Surroundings } from '../terminal/terminal.ts';
import { answerVersion } from '../version/version.ts';

/** Runs one command line, without `node` and the script, and answers the exit code. Never throws. */
export async function run(args: readonly string[], surroundings: Surroundings): Promise<number> {
  const answer = answerVersion(args);
  if (answer) {
    print(surroundings, answer);
    return exitCodes.done;
  }
  let exitCode: number = exitCodes.done;
  const wanted = wordsOf(args);
  try {
    const { buildProgram } = await import('./build-program.ts');
    const program = await buildProgram(
      surroundings,
      (code) => {
        exitCode = code;
      },
      ({ name }) => wanted.includes(name),
    );
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    if (isCommanderError(error)) return codeOf(error);
    if (error instanceof AlreadyTold) return error.exitCode;
    const { reportError } = await import('../errors/report-error.ts');
    return reportError(surroundings, error);
  }
  return exitCode;
}

/** The command's name, and with `help` before it the name after. */
function wordsOf(args: readonly string[]): readonly string[] {
  const words: string[] = [];
  for (let index = 0; index < args.length && words.length < 2; index++) {
    const arg = args[index] ?? '';
    if (arg === '--server' || arg === '--org') index++;
    else if (!arg.startsWith('-')) words.push(arg);
  }
  return words[0] === 'help' ? words : words.slice(0, 1);
}

/** Help and version that were asked for are no error; help that came instead of a command is. */
function codeOf({ code, exitCode }: CommanderError): number {
  if (code === 'commander.help') return exitCodes.usage;
  return exitCode === 0 ? exitCodes.done : exitCodes.usage;
}

function isCommanderError(error: unknown): error is CommanderError {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('commander.');
}
