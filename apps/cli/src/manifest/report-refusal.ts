import { formatProblem, problemOfField } from '@planton/manifest';
import { CliError } from '../errors/cli-error.ts';
import { explainError } from '../errors/explain-error.ts';
import { reportError, tell } from '../errors/report-error.ts';
import type { Cli } from '../terminal/terminal.ts';
import type { ReadDocument } from './read-files.ts';

const longestName = 100;

/** Tells why the server refused a document, each fault at its place in the file, and answers the exit code. */
export function reportRefusal(cli: Cli, document: ReadDocument, name: string, error: unknown): number {
  const { file, line } = document.location;
  const shown = name.length > longestName ? `${name.slice(0, longestName)}…` : name;
  const what = `${document.kind.name} ${shown} (${file}:${line})`;
  if (error instanceof CliError) {
    tell(cli, `${what}: ${error.message}`, [], error.hint);
    return error.exitCode;
  }
  const explained = explainError(error);
  if (!explained) return reportError(cli, error);
  const places = explained.violations.map(({ field, message }) =>
    formatProblem(problemOfField(document, field, field ? `${field}: ${message}` : message)),
  );
  // The server's message often repeats its violations, which are shown at their places.
  const repeats =
    places.length > 0 && explained.violations.every(({ message }) => explained.message.includes(message));
  tell(
    cli,
    repeats ? `${what} was refused` : `${what}: ${explained.message}`,
    places.flatMap((place) => place.split('\n')),
    explained.hint || `see what it takes with: planton explain ${document.kind.name}`,
  );
  return explained.exitCode;
}
