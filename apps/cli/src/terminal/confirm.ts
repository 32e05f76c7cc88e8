import { CliError } from '../errors/cli-error.ts';
import type { Cli } from './terminal.ts';

/** Asks before something is lost. Without a terminal, or with `--yes`, nothing is asked. */
export async function confirm(cli: Cli, question: string, yes: boolean | undefined): Promise<void> {
  if (yes || !cli.interactive) return;
  const { createInterface } = await import('node:readline/promises');
  const reader = createInterface({ input: cli.stdin, output: cli.stderr });
  const interrupted = new Promise<never>((_, reject) => {
    reader.on('SIGINT', () => reject(new CliError('interrupted', { exitCode: 130 })));
  });
  try {
    const answer = await Promise.race([reader.question(`${question} [y/N] `), interrupted]);
    if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('nothing was changed', { exitCode: 1 });
  } finally {
    reader.close();
  }
}
