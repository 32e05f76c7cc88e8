import { Code, ConnectError } from '@connectrpc/connect';
import { type ManifestMessage, type ManifestObject, toManifestObject, writeYaml } from '@planton/manifest';
import type { Command } from 'commander';
import { AlreadyTold, exitCodes } from '../errors/cli-error.ts';
import { openSession, organizationOf, type Session } from '../session/open-session.ts';
import { type Cli, print } from '../terminal/terminal.ts';
import { applyDocument } from './apply.ts';
import { diffLines } from './diff-lines.ts';
import { operationsOf } from './operations.ts';
import { type ReadDocument, readDocuments } from './read-files.ts';
import { reportRefusal } from './report-refusal.ts';

export function addDiff(program: Command, cli: Cli): void {
  program
    .command('diff')
    .description(
      'Show what apply would change, and change nothing. Exit code 6 if it would change something.',
    )
    .requiredOption('-f, --filename <path...>', 'file, folder, or - for standard input')
    .action(({ filename }: { filename: readonly string[] }) => diff(cli, filename));
}

async function diff(cli: Cli, paths: readonly string[]): Promise<void> {
  const documents = await readDocuments(cli, paths);
  const session = await openSession(cli);
  let differs = false;
  let firstFailure: number = exitCodes.done;
  for (const document of documents) {
    try {
      differs = (await diffDocument(cli, session, document)) || differs;
    } catch (error) {
      const { nameOf } = operationsOf(document.kind);
      firstFailure ||= reportRefusal(cli, document, nameOf(document.message), error);
    }
  }
  if (firstFailure !== exitCodes.done) throw new AlreadyTold(firstFailure);
  if (differs) cli.exit(exitCodes.negative);
}

/** The server decides whether there is a difference; what is printed shows it. */
async function diffDocument(cli: Cli, session: Session, document: ReadDocument): Promise<boolean> {
  const { kind, message } = document;
  const checked = await applyDocument(cli, session, document, { validateOnly: true, etag: '' });
  if (checked.outcome === 'unchanged') return false;

  const { get, nameOf } = operationsOf(kind);
  const org = message.metadata?.org || (await organizationOf(cli, session));
  const stored =
    checked.outcome === 'created' ? undefined : await orNothing(get(session, org, nameOf(message)));
  const before = stored ? linesOf(document, stored) : [];
  const after = linesOf(document, checked.message);
  print(cli, `${kind.name} ${nameOf(checked.message)} would be ${checked.outcome}`);
  print(cli, diffLines(before, after).join('\n'));
  return true;
}

async function orNothing(asked: Promise<ManifestMessage>): Promise<ManifestMessage | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ConnectError && error.code === Code.NotFound) return undefined;
    throw error;
  }
}

const setByServer = new Set([
  'uid',
  'revision',
  'etag',
  'create_time',
  'update_time',
  'created_by',
  'updated_by',
]);

/** The manifest without what the server sets. */
function linesOf({ kind }: ReadDocument, message: ManifestMessage): string[] {
  const { metadata, status: _, ...rest } = toManifestObject(kind.schema, message);
  const own = Object.entries((metadata ?? {}) as ManifestObject).filter(([name]) => !setByServer.has(name));
  const { spec = {}, ...head } = rest;
  return writeYaml({ ...head, metadata: Object.fromEntries(own), spec })
    .trimEnd()
    .split('\n');
}
