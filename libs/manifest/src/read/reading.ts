import { type Document, isAlias, type Node } from 'yaml';
import { type Problem, problemAt, type Visibility } from '../source/problem.ts';
import type { Range, Source } from '../source/source.ts';

const mostAliases = 100;
const mostNodes = 50_000;

/** The state of reading one document: where it came from and what was found to be wrong. */
export interface Reading {
  readonly source: Source;
  readonly yaml: Document.Parsed;
  readonly problems: Problem[];
  readonly budget: { aliases: number; nodes: number };
}

export function readingOf(source: Source, yaml: Document.Parsed): Reading {
  return { source, yaml, problems: [], budget: { aliases: mostAliases, nodes: mostNodes } };
}

/** Records a problem at a node. */
export function report(
  reading: Reading,
  node: Node | Range,
  visibility: Visibility,
  message: string,
  suggestion?: string,
): void {
  const range = isRange(node) ? node : rangeOf(node);
  reading.problems.push(problemAt(reading.source, range, visibility, message, suggestion));
}

/** Where a node's own text is, without what follows it. */
export function rangeOf(node: Node): Range {
  const [start, end] = node.range ?? [0, 0];
  return { start, end };
}

/**
 * Follows an alias to what it stands for and counts what is read, so that aliases of aliases cannot grow a small file into a
 * large message. Undefined, with a problem on record, where reading has to end.
 */
export function follow(reading: Reading, node: Node): Node | undefined {
  if (--reading.budget.nodes < 0) {
    if (reading.budget.nodes === -1) report(reading, node, 'hidden', 'the manifest has too many values');
    return undefined;
  }
  if (!isAlias(node)) return node;
  if (--reading.budget.aliases < 0) {
    if (reading.budget.aliases === -1)
      report(reading, node, 'hidden', `more than ${mostAliases} YAML aliases`, 'write the values out');
    return undefined;
  }
  const target = node.resolve(reading.yaml);
  if (!target)
    report(reading, node, 'hidden', 'the YAML alias stands for nothing', 'define its anchor first');
  return target;
}

function isRange(value: Node | Range): value is Range {
  return 'start' in value && 'end' in value;
}
