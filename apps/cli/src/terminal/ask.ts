import { CliError, exitCodes } from '../errors/cli-error.ts';
import type { Surroundings } from './terminal.ts';

/**
 * Asks a person at the terminal, until the answer is yes or no; Enter means `standard`. Undefined where the input ends without an
 * answer. Ctrl-C gives up with a `CliError`.
 */
export async function ask(
  cli: Surroundings,
  question: string,
  standard: boolean,
): Promise<boolean | undefined> {
  const { createInterface } = await import('node:readline/promises');
  const reader = createInterface({ input: cli.stdin, output: cli.stderr });
  const ended = new Promise<undefined>((resolve, reject) => {
    reader.once('close', () => resolve(undefined));
    reader.once('SIGINT', () => reject(new CliError('interrupted', { exitCode: exitCodes.interrupted })));
  });
  try {
    for (;;) {
      const prompt = `${question} ${standard ? '[Y/n]' : '[y/N]'} `;
      const answer = (await Promise.race([reader.question(prompt), ended]))?.trim();
      if (answer === undefined) return undefined;
      if (answer === '') return standard;
      if (/^(y(es)?|no?)$/i.test(answer)) return /^y/i.test(answer);
    }
  } finally {
    reader.close();
  }
}
