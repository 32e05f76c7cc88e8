import { exitCodeOf, exitCodeOfEnd, exitCodes, formatFailure } from './program/exit-codes.ts';
import { runProgram } from './program/run-program.ts';
import { readSettings, usage } from './settings/read-settings.ts';

/**
 * The program behind `planton runner start`. Resolves with an exit code when the runner has ended. SIGTERM and SIGINT let it finish what
 * it has; a second signal ends the process at once.
 */
export async function main(argv: readonly string[]): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h') || argv[0] === 'help') {
    process.stdout.write(usage);
    return exitCodes.done;
  }
  let isEnding = false;
  let stop = () => {};
  const onSignal = (signal: NodeJS.Signals) => {
    if (isEnding) process.exit(signal === 'SIGINT' ? 130 : 143);
    isEnding = true;
    stop();
  };
  try {
    const program = runProgram(readSettings(argv, process.env), process.env);
    stop = program.stop;
    process.on('SIGTERM', onSignal).on('SIGINT', onSignal);
    const end = await program.ended;
    if (end.kind !== 'stopped') process.stderr.write(formatFailure(end));
    return exitCodeOfEnd(end);
  } catch (error) {
    process.stderr.write(formatFailure(error instanceof Error ? error : { message: String(error) }));
    return exitCodeOf(error);
  } finally {
    process.off('SIGTERM', onSignal).off('SIGINT', onSignal);
  }
}

// Nothing that is left over, such as a call to AWS that nobody waits for, keeps the process.
if (import.meta.main) process.exit(await main(process.argv.slice(2)));
