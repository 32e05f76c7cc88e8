import { lineAt, type Position, positionAt, type Range, type Source } from './source.ts';

/** One thing that is wrong with a manifest, and where. Nothing in it can hold a secret value. */
export interface Problem extends Position {
  /** What is wrong. */
  readonly message: string;
  /** What to do about it. */
  readonly suggestion?: string;
  /** The offending line with everything hidden that could be a secret, and the stretch of it to point at. */
  readonly excerpt?: Excerpt;
}

export interface Excerpt {
  readonly text: string;
  /** Column in `text` where the caret starts, from 1. */
  readonly column: number;
  /** How many carets, at least 1. */
  readonly length: number;
}

/** Whether the pointed-at text is known to be harmless (`shown`), or may be a secret (`hidden`). */
export type Visibility = 'shown' | 'hidden';

/** Makes the problem of a stretch of text. */
export function problemAt(
  source: Source,
  range: Range,
  visibility: Visibility,
  message: string,
  suggestion?: string,
): Problem {
  const position = positionAt(source, range.start);
  const excerpt = excerptOf(lineAt(source, position.line), position.column - 1, range, visibility);
  return { ...position, message, ...(suggestion ? { suggestion } : {}), ...(excerpt ? { excerpt } : {}) };
}

/** Prints a problem as `file:line:column: message`, the line with carets under it, and the suggestion. */
export function formatProblem(problem: Problem): string {
  const { file, line, column, message, excerpt, suggestion } = problem;
  const lines = [`${file}:${line}:${column}: ${message}`];
  if (excerpt) {
    const gutter = String(line);
    const indent = excerpt.text.slice(0, excerpt.column - 1).replace(/[^\t]/g, ' ');
    lines.push(`  ${gutter} | ${excerpt.text}`);
    lines.push(`  ${' '.repeat(gutter.length)} | ${indent}${'^'.repeat(excerpt.length)}`);
  }
  if (suggestion) lines.push(`  ${suggestion}`);
  return lines.join('\n');
}

const longestExcerpt = 160;
const hiddenMark = '…';

/**
 * Shows the key that a line begins with and, where it is harmless, the stretch that is pointed at. All else on the line may
 * belong to a value and becomes `…`.
 */
function excerptOf(line: string, start: number, range: Range, visibility: Visibility): Excerpt | undefined {
  if (line.trim() === '') return undefined;
  const from = Math.min(start, line.length);
  const to = Math.max(from, Math.min(line.length, start + (range.end - range.start)));
  const key = /^\s*(?:- +)*(?:([\w.-]+)\s*:(?=\s|$))?/.exec(line);
  const prefix =
    key?.[1] === undefined || isSafeKey(key[1])
      ? (key?.[0].length ?? 0)
      : (/^\s*/.exec(line)?.[0].length ?? 0);

  const before = line.slice(0, prefix);
  if (from < prefix) {
    const rest = hide(line.slice(prefix));
    return cut({ text: before + rest, column: from + 1, length: Math.max(1, Math.min(to, prefix) - from) });
  }
  if (visibility === 'hidden' || looksSecret(line.slice(from, to))) {
    const rest = line.slice(prefix);
    const blank = rest.length - rest.trimStart().length;
    return cut({ text: before + hide(rest), column: prefix + blank + 1, length: 1 });
  }
  const between = hide(line.slice(prefix, from));
  return cut({
    text: before + between + line.slice(from, to) + hide(line.slice(to)),
    column: before.length + between.length + 1,
    length: Math.max(1, to - from),
  });
}

/** Keeps blanks at both ends and puts one mark for what is between them. */
function hide(text: string): string {
  const inner = text.trim();
  return inner === '' ? text : text.replace(inner, () => hiddenMark);
}

function cut(excerpt: Excerpt): Excerpt | undefined {
  const { text, column, length } = excerpt;
  if (text.length <= longestExcerpt) return excerpt;
  if (column >= longestExcerpt) return undefined;
  return {
    text: text.slice(0, longestExcerpt),
    column,
    length: Math.min(length, longestExcerpt - column + 1),
  };
}

/** Whether a key can be repeated in a message: short, shaped like a field name, and not like a secret. */
export function isSafeKey(key: string): boolean {
  return /^[A-Za-z_][\w.-]{0,31}$/.test(key) && !looksSecret(key);
}

/** Whether a text has a stretch shaped like an access key id or like 32 random characters. */
export function looksSecret(text: string): boolean {
  return /[A-Z0-9]{16}|[A-Za-z0-9/+=]{32}/.test(text);
}
