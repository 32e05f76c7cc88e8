import type { Command } from 'commander';
import { AlreadyTold, exitCodes, usage } from '../errors/cli-error.ts';
import { type OutputFormat, printValue, withOutput } from '../output/print-messages.ts';
import { openSession, organizationOf, type Session } from '../session/open-session.ts';
import { type Cli, print, warn } from '../terminal/terminal.ts';
import { type Applied, operationsOf } from './operations.ts';
import { type ReadDocument, readDocuments } from './read-files.ts';
import { reportRefusal } from './report-refusal.ts';

interface Options {
  readonly filename: readonly string[];
  readonly ifMatch?: string;
  readonly output?: OutputFormat;
}

const examples = `
Examples:
  $ planton apply -f aws-connection.yaml
  $ planton get aws my-aws-connection | planton apply -f -`;

export function addApply(program: Command, cli: Cli): void {
  const command = program
    .command('apply')
    .description(
      'Create or update what manifests describe, in order. If one cannot be read, nothing is applied. If the server refuses one, the others are applied all the same.',
    )
    .requiredOption('-f, --filename <path...>', 'file, folder, or - for standard input')
    .option('--if-match <etag>', 'refuse the change unless the object still has this etag')
    .addHelpText('after', examples);
  withOutput(command).action((options: Options) => apply(cli, options));
}

async function apply(cli: Cli, { filename, ifMatch: etag = '', output }: Options): Promise<void> {
  const documents = await readDocuments(cli, filename);
  if (etag !== '' && documents.length > 1)
    throw usage('--if-match takes one manifest', 'apply them one by one');
  const session = await openSession(cli);

  const results: { kind: string; name: string; outcome: string; revision: number }[] = [];
  let firstFailure: number = exitCodes.done;
  for (const document of documents) {
    const operations = operationsOf(document.kind);
    try {
      const applied = await applyDocument(cli, session, document, { validateOnly: false, etag });
      const { metadata } = applied.message;
      const name = operations.nameOf(applied.message);
      const result = {
        kind: document.kind.name,
        name,
        outcome: applied.outcome,
        revision: metadata?.revision ?? 0,
      };
      results.push(result);
      for (const warning of applied.warnings) warn(cli, `${result.kind} ${name}: ${warning}`);
      if (output === 'table') print(cli, lineOf(result));
    } catch (error) {
      const code = reportRefusal(cli, document, operations.nameOf(document.message), error);
      firstFailure ||= code;
    }
  }
  if (output === 'json' || output === 'yaml') printValue(cli, output, results);
  if (firstFailure !== exitCodes.done) throw new AlreadyTold(firstFailure);
}

function lineOf({
  kind,
  name,
  outcome,
  revision,
}: {
  kind: string;
  name: string;
  outcome: string;
  revision: number;
}): string {
  return `${kind} ${name} ${outcome}${revision > 0 ? ` (revision ${revision})` : ''}`;
}

/** Applies one document to the organisation that it names, else to the one that commands use. */
export async function applyDocument(
  cli: Cli,
  session: Session,
  { kind, message }: ReadDocument,
  options: { readonly validateOnly: boolean; readonly etag: string },
): Promise<Applied> {
  const org = message.metadata?.org || (await organizationOf(cli, session));
  return operationsOf(kind).apply(session, { org, message, ...options });
}
