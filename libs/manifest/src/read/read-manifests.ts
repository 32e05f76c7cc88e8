import {
  Composer,
  type Document,
  isMap,
  isScalar,
  type Node,
  Parser,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { ManifestDocument } from '../document.ts';
import {
  apiVersion,
  findKind,
  kinds,
  type ManifestKind,
  type ManifestMessage,
  suggestKind,
} from '../kinds/kind.ts';
import { decodeText } from '../source/decode-text.ts';
import { isSafeKey, looksSecret, type Problem, problemAt } from '../source/problem.ts';
import { lineAt, positionAt, type Source } from '../source/source.ts';
import { readMessage } from './read-message.ts';
import { isNothing, textOf } from './read-scalar.ts';
import { type Reading, readingOf, report } from './reading.ts';

/** What to call the text in messages: a path, or `stdin`. */
export interface ReadOptions {
  readonly file: string;
}

const mostDocuments = 1000;
const mostSyntaxProblems = 5;

/**
 * Reads every manifest of a file. It never throws for what the text holds: each document has its message or its problems,
 * and what is wrong with the file itself is the problem of one document without a kind. Scalars are read as text.
 */
export function readManifests(
  input: string | Uint8Array,
  options: ReadOptions,
): { documents: readonly ManifestDocument[] } {
  const source = decodeText(input, options.file);
  if (!('text' in source)) return { documents: [{ location: source, problems: [source] }] };

  const documents = compose(source).filter((yaml) => yaml.errors.length > 0 || !isEmpty(yaml));
  if (documents.length === 0) return fileProblem(source, 'the file holds no manifest');
  if (documents.length > mostDocuments)
    return fileProblem(source, `more than ${mostDocuments} documents in the file`);
  return { documents: documents.map((yaml) => readDocument(source, yaml)) };
}

function compose(source: Source): Document.Parsed[] {
  const tokens = new Parser().parse(source.text);
  const composer = new Composer({ schema: 'failsafe', prettyErrors: false, uniqueKeys: true, merge: false });
  return [...composer.compose(tokens, true, source.text.length)];
}

function readDocument(source: Source, yaml: Document.Parsed): ManifestDocument {
  const start = isMap(yaml.contents) ? (yaml.contents.range?.[0] ?? 0) : (yaml.range[0] ?? 0);
  const location = positionAt(source, start);
  if (yaml.errors.length > 0) {
    const problems = yaml.errors.slice(0, mostSyntaxProblems).map((error) => syntaxProblem(source, error));
    return { location, problems: withoutRepeats(problems) };
  }

  const reading = readingOf(source, yaml);
  const root = yaml.contents as Node | null;
  if (!isMap(root)) {
    report(reading, root ?? { start, end: start + 1 }, 'hidden', 'a manifest is a map', manifestShape);
    return { location, problems: reading.problems };
  }
  const kind = readKind(reading, root);
  if (!kind) return { location, problems: reading.problems };
  const message = readMessage(reading, kind.schema, root).message as ManifestMessage;
  const origin = { source, yaml, root };
  if (reading.problems.length > 0) return { location, kind, problems: reading.problems, origin };
  return { location, kind, message, problems: [], origin };
}

const manifestShape = `begin with \`apiVersion: ${apiVersion}\` and \`kind:\``;

function readKind(reading: Reading, root: YAMLMap): ManifestKind | undefined {
  const kindNode = valueAt(root, ['kind']);
  const versionNode = valueAt(root, ['apiVersion', 'api_version']);
  if (!versionNode) {
    report(reading, startOf(root), 'hidden', '`apiVersion` is missing', `add \`apiVersion: ${apiVersion}\``);
  } else if (!isScalar(versionNode) || textOf(versionNode) !== apiVersion) {
    const found =
      isScalar(versionNode) && isSafeVersion(textOf(versionNode)) ? ` \`${textOf(versionNode)}\`` : '';
    report(reading, versionNode, 'shown', `unknown apiVersion${found}`, `use \`apiVersion: ${apiVersion}\``);
  }
  if (!kindNode) {
    const names = kinds.map(({ name }) => name).join(', ');
    report(reading, startOf(root), 'hidden', '`kind` is missing', `the kinds are ${names}`);
    return undefined;
  }
  const name = isScalar(kindNode) ? textOf(kindNode) : '';
  const kind = findKind(name);
  if (kind?.name === name) return kind;
  report(
    reading,
    kindNode,
    'shown',
    `unknown kind${isSafeKey(name) ? ` \`${name}\`` : ''}`,
    suggestKind(name),
  );
  return undefined;
}

function valueAt(root: YAMLMap, names: readonly string[]): Node | undefined {
  const pair = root.items.find(({ key }) => isScalar(key) && names.includes(textOf(key)));
  const value = pair?.value as Node | null | undefined;
  return value && !(isScalar(value) && isNothing(value)) ? value : undefined;
}

function isSafeVersion(text: string): boolean {
  return /^[\w./-]{1,64}$/.test(text) && !looksSecret(text);
}

const syntaxMessages: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'the key is given twice',
  RESOURCE_EXHAUSTION: 'the YAML is nested too deeply',
  MISSING_CHAR: 'a closing quote or bracket is missing',
  BLOCK_AS_IMPLICIT_KEY: 'two keys on one line',
  BAD_INDENT: 'the indentation does not fit',
  BAD_ALIAS: 'a YAML alias or anchor is not well formed',
  MULTILINE_IMPLICIT_KEY: 'a key goes over several lines; is a colon missing?',
  UNEXPECTED_TOKEN: 'this cannot stand here',
  MISSING_ANCHOR: 'a YAML anchor is missing',
};

/** Names the fault without repeating the library's words, which may quote the text. */
function syntaxProblem(source: Source, error: YAMLError): Problem {
  const [start, end] = error.pos;
  const range = { start, end };
  const { line } = positionAt(source, start);
  if (error.code === 'TAB_AS_INDENT' || /^ *\t/.test(lineAt(source, line)))
    return problemAt(source, range, 'hidden', 'YAML cannot be indented with tabs', 'indent with two spaces');
  const message =
    syntaxMessages[error.code] ?? `this is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')})`;
  if (error.code === 'DUPLICATE_KEY') return duplicateKey(source, start, message);
  const suggestion =
    error.code === 'BLOCK_AS_IMPLICIT_KEY' ? 'quote the value if it contains a colon' : undefined;
  return problemAt(source, range, 'hidden', message, suggestion);
}

function duplicateKey(source: Source, start: number, message: string): Problem {
  const key = /^[\w.-]+/.exec(source.text.slice(start, start + 64))?.[0] ?? '';
  const range = { start, end: start + Math.max(1, key.length) };
  if (!isSafeKey(key)) return problemAt(source, range, 'hidden', message, 'keep one of them');
  return problemAt(source, range, 'shown', `\`${key}\` is given twice`, 'keep one of them');
}

function withoutRepeats(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ line, message }) => {
    const key = `${line} ${message}`;
    if (seen.has(key) || seen.has(message)) return false;
    seen.add(key);
    if (message.includes('too deeply') || message.includes('with tabs')) seen.add(message);
    return true;
  });
}

function isEmpty(yaml: Document.Parsed): boolean {
  const contents = yaml.contents as Node | null;
  return contents === null || (isScalar(contents) && isNothing(contents));
}

function fileProblem(source: Source, message: string): { documents: readonly ManifestDocument[] } {
  const problem: Problem = { file: source.file, line: 1, column: 1, message, suggestion: manifestShape };
  return { documents: [{ location: problem, problems: [problem] }] };
}

function startOf(map: YAMLMap) {
  const start = map.range?.[0] ?? 0;
  return { start, end: start + 1 };
}
