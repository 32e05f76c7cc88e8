import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatProblem,
  type ManifestDocument,
  type ManifestKind,
  type ManifestMessage,
  problemOfField,
  readManifests,
} from '@planton/manifest';
import { AlreadyTold, exitCodes, usage } from '../errors/cli-error.ts';
import { tell } from '../errors/report-error.ts';
import { readStdin } from '../terminal/read-stdin.ts';
import { type Cli, say } from '../terminal/terminal.ts';

/** A document that was read without problems. */
export interface ReadDocument extends ManifestDocument {
  readonly kind: ManifestKind;
  readonly message: ManifestMessage;
}

// One byte beyond what the reader takes, so that it can tell that there is more.
const limit = 1024 * 1024;

/**
 * Reads every document of the files, folders and `-` in order. If one has a problem, all problems are told and nothing is
 * returned. `--org` has to equal what a document says.
 */
export async function readDocuments(cli: Cli, paths: readonly string[]): Promise<readonly ReadDocument[]> {
  const documents: ManifestDocument[] = [];
  for (const file of await expand(paths)) {
    const bytes = file === '-' ? await readStdin(cli, limit) : await readLimited(file);
    documents.push(...readManifests(bytes, { file: file === '-' ? 'stdin' : file }).documents);
  }
  const problems = documents.flatMap((document) => [
    ...document.problems,
    ...organizationProblems(cli, document),
  ]);
  for (const problem of problems) say(cli, formatProblem(problem));
  if (problems.length > 0) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    tell(
      cli,
      `${count} in the manifests; nothing was done`,
      [],
      'see what a kind takes with: planton explain KIND',
    );
    throw new AlreadyTold(exitCodes.usage);
  }
  return documents.filter(
    (document): document is ReadDocument => document.message !== undefined && document.kind !== undefined,
  );
}

function organizationProblems(cli: Cli, document: ManifestDocument) {
  const typed = cli.options().org;
  const written = document.message?.metadata?.org;
  if (!typed || !written || typed === written) return [];
  return [
    problemOfField(document, 'metadata.org', `the manifest belongs to ${written}, and --org is ${typed}`),
  ];
}

async function expand(paths: readonly string[]): Promise<readonly string[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (path === '-') {
      files.push(path);
      continue;
    }
    const entry = await stat(path).catch((error: unknown) => {
      throw usage(`cannot read ${path}: ${reasonOf(error)}`);
    });
    if (!entry.isDirectory()) {
      files.push(path);
      continue;
    }
    const names = (await readdir(path)).filter((name) => /\.(ya?ml|json)$/.test(name)).sort();
    if (names.length === 0) throw usage(`${path} holds no .yaml, .yml or .json file`);
    files.push(...names.map((name) => join(path, name)));
  }
  return files;
}

async function readLimited(path: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    const { size } = await stat(path);
    const end = Math.max(limit, Math.min(size, 16 * limit));
    for await (const chunk of createReadStream(path, { end })) chunks.push(chunk);
  } catch (error) {
    throw usage(`cannot read ${path}: ${reasonOf(error)}`);
  }
  return Buffer.concat(chunks);
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
  return code === 'ENOENT' ? 'there is no such file' : code;
}
