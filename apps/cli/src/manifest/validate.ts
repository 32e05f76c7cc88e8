import { formatProblem, validateManifest } from '@planton/manifest';
import type { Command } from 'commander';
import { AlreadyTold, exitCodes } from '../errors/cli-error.ts';
import { tell } from '../errors/report-error.ts';
import { isSignedIn, openSession } from '../session/open-session.ts';
import { type Cli, print, say, warn } from '../terminal/terminal.ts';
import { applyDocument } from './apply.ts';
import { operationsOf } from './operations.ts';
import { readDocuments } from './read-files.ts';
import { reportRefusal } from './report-refusal.ts';

export function addValidate(program: Command, cli: Cli): void {
  program
    .command('validate')
    .description(
      'Check manifests against their contract, and with the server where you are signed in. Nothing is changed.',
    )
    .requiredOption('-f, --filename <path...>', 'file, folder, or - for standard input')
    .option('--local', 'do not ask the server')
    .action((options: { filename: readonly string[]; local?: boolean }) => validate(cli, options));
}

async function validate(
  cli: Cli,
  { filename, local }: { filename: readonly string[]; local?: boolean },
): Promise<void> {
  const documents = await readDocuments(cli, filename);
  const problems = (await Promise.all(documents.map(validateManifest))).flat();
  for (const problem of problems) say(cli, formatProblem(problem));
  if (problems.length > 0) {
    tell(cli, 'the manifests are not valid', [], 'see what a kind takes with: planton explain KIND');
    throw new AlreadyTold(exitCodes.usage);
  }

  const asked = !local && (await isSignedIn(cli));
  let firstFailure: number = exitCodes.done;
  if (asked) {
    const session = await openSession(cli);
    for (const document of documents) {
      try {
        const { warnings } = await applyDocument(cli, session, document, { validateOnly: true, etag: '' });
        for (const warning of warnings) warn(cli, warning);
      } catch (error) {
        const { nameOf } = operationsOf(document.kind);
        firstFailure ||= reportRefusal(cli, document, nameOf(document.message), error);
      }
    }
  }
  if (firstFailure !== exitCodes.done) throw new AlreadyTold(firstFailure);
  const count = documents.length === 1 ? 'manifest is' : 'manifests are';
  print(cli, `${documents.length} ${count} valid`);
  if (!asked) say(cli, 'checked without the server: whether secrets and variables exist is not known');
}
