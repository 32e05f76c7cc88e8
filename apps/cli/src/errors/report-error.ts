import { cleanText } from '../output/clean-text.ts';
import { paint, type Surroundings, say } from '../terminal/terminal.ts';
import { AlreadyTold, CliError, exitCodes, usageHint } from './cli-error.ts';
import { type Explained, explainError } from './explain-error.ts';

/** Tells an error as `error: …` and `hint: …`, and answers the exit code. */
export function reportError(surroundings: Surroundings, error: unknown): number {
  if (error instanceof AlreadyTold) return error.exitCode;
  const own = findCliError(error);
  if (own) {
    tell(surroundings, own.message, [], own.hint);
    return own.exitCode;
  }
  const explained = explainError(error);
  if (!explained) {
    const name = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    tell(surroundings, `the CLI failed (${name})`, [], '');
    return exitCodes.failed;
  }
  tell(surroundings, explained.message, violationLines(explained), explained.hint || lastHint(explained));
  return explained.exitCode;
}

/** An error of ours, also where a call wrapped it that it ended. */
function findCliError(error: unknown): CliError | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++)
    if (at instanceof CliError) return at;
  return undefined;
}

function lastHint({ exitCode }: Explained): string {
  return exitCode === exitCodes.usage ? usageHint : '';
}

/** Tells an error that consists of a message, further lines and a hint. */
export function tell(
  surroundings: Surroundings,
  message: string,
  lines: readonly string[],
  hint: string,
): void {
  say(surroundings, `${paint(surroundings, 'red', 'error:')} ${cleanText(message)}`);
  for (const line of lines) say(surroundings, `  ${cleanText(line)}`);
  if (hint !== '') say(surroundings, `${paint(surroundings, 'cyan', 'hint:')} ${cleanText(hint)}`);
}

function violationLines({ violations, message }: Explained): string[] {
  return violations
    .filter((violation) => !message.includes(violation.message))
    .map(({ field, message: text }) => (field ? `${field}: ${text}` : text));
}
